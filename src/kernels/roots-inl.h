// Square root and quotient of vectors, for the optimizers; included by
// optimizer-inl.h. optimizer.h says how exact they are.

#if defined(__ARM_NEON)
// Exact instructions take up to 17 cycles a value on Arm's smaller cores, and
// 32-bit NEON has none: so estimates of 8 bits are refined to 24.
inline Vector FromNeon(float32x4_t x) { return __builtin_bit_cast(Vector, x); }
inline float32x4_t ToNeon(const Vector& x) {
  return __builtin_bit_cast(float32x4_t, x);
}

// Takes two of Newton's steps, r (3 - x r^2) / 2, towards r = 1 / sqrt(x). The
// estimate is bounded by 2^63, that of the smallest normal float, so that
// sqrt(0) is 0 and not 0 * infinity. A negative x and a NaN give NaN, and so
// does infinity, whose estimate is 0.
inline Vector RootOf(const Vector& x) {
  const Vector bound = Vector{} + 0x1p63f;
  Vector r = FromNeon(vminq_f32(vrsqrteq_f32(ToNeon(x)), ToNeon(bound)));
  r *= FromNeon(vrsqrtsq_f32(ToNeon(x * r), ToNeon(r)));
  const Vector root = x * r;
  return root * FromNeon(vrsqrtsq_f32(ToNeon(root), ToNeon(r)));
}

// With r the estimate of 1 / d and e = 1 - d r, which is below 2^-8,
// 1 / d = r (1 + e + e^2 + ...). A d of 0 gives NaN.
inline Vector QuotientOf(const Vector& numerator, const Vector& d) {
  const Vector r = FromNeon(vrecpeq_f32(ToNeon(d)));
  const Vector e = 1.0f - d * r;
  const Vector first = numerator * r;
  return first + first * (e + e * e);
}
#else
// x86 computes roots in a unit of their own, beside everything else.
inline Vector RootOf(const Vector& x) { return __builtin_elementwise_sqrt(x); }

#ifdef __FMA__
// The compiler is free to estimate quotients and to refine them, as the build
// asks for (-mrecip): the unit has enough to do with the roots. What it may do
// ends at the values that asm() hides from it, so that all loops which divide
// get the same instructions for it, and a weight the same bits in each.
#pragma float_control(precise, off, push)
inline Vector QuotientOf(const Vector& numerator, const Vector& d) {
  Vector above = numerator;
  Vector below = d;
  asm("" : "+x"(above), "+x"(below));
  Vector quotient = above / below;
  asm("" : "+x"(quotient));
  return quotient;
}
#pragma float_control(pop)
#else
inline Vector QuotientOf(const Vector& numerator, const Vector& d) {
  return numerator / d;
}
#endif
#endif
