/* A library with an address among its constants, as assembler and code without -fPIC make it: the loader writes there. */
__asm__(
    ".section .rodata\n"
    ".balign 8\n"
    "address: .8byte pointed_at\n"
    ".previous\n");

__attribute__((visibility("hidden"), used)) const int pointed_at = 1;
extern const int* const address __attribute__((visibility("hidden")));

__attribute__((visibility("default"))) const int* read_address(void);
const int* read_address(void) { return *(const int* const volatile*)&address; }
