#include "cli/cli.h"

int main(int argc, char** argv) { return batchsweep::RunCli(argc, argv); }
