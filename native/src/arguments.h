#pragma once

#include <cstdint>
#include <string>

#include <napi.h>

namespace bpf {

/** Memory of a Uint8Array; valid until control returns to JavaScript. */
struct Bytes {
    uint8_t *data;
    size_t size;
};

// Each takes one argument by position and throws a TypeError that names it.

std::string StringArgument(const Napi::CallbackInfo &info, size_t index, const char *name);
bool BooleanArgument(const Napi::CallbackInfo &info, size_t index, const char *name);
uint32_t CountArgument(const Napi::CallbackInfo &info, size_t index, const char *name);
Bytes BytesArgument(const Napi::CallbackInfo &info, size_t index, const char *name);

} // namespace bpf
