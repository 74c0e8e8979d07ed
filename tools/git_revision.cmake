# Writes OUTPUT with git's word on SOURCE_DIR; touches it only when that
# changes. Sources that are not a git checkout are called "unknown".
execute_process(
  COMMAND git describe --always --dirty --abbrev=12
  WORKING_DIRECTORY ${SOURCE_DIR}
  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(revision unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT}
     CONTENT "#define BATCHSWEEP_GIT_REVISION \"${revision}\"\n")
