// What it takes to link a distribution's libbpf.a and libelf.a into a shared object that runs on older
// systems too. The linker prefers these definitions, and the version script keeps them private to the addon.

#include <cstdio>

#include <libelf.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {

// Functions and variables that newer glibc has and 2.28, which Node.js itself needs, has not.

int fstat(int descriptor, struct stat *status) {
    return static_cast<int>(syscall(SYS_fstat, descriptor, status));
}

/** Never true: reference counts of the C++ runtime stay atomic. */
char __libc_single_threaded = 0;

// The archives are compiled for executables: they address stderr, and libelf its thread-local error, in ways
// that a shared object must not. libbpf writes to stderr only until libbpf_set_print is called, which is the
// first thing the addon does.

FILE *stderr = nullptr;

static thread_local int lastElfError = 0;

void __libelf_seterrno(int error) {
    lastElfError = error;
}

int elf_errno(void) {
    const int error = lastElfError;
    lastElfError = 0;
    return error;
}

/** As libelf: 0 asks for the last error if there is one, -1 for the last in any case. */
const char *elf_errmsg(int error) {
    static thread_local char message[32];
    const int number = error == 0 || error == -1 ? lastElfError : error;
    if (error == 0 && number == 0)
        return nullptr;
    snprintf(message, sizeof(message), "libelf error %d", number);
    return message;
}
}
