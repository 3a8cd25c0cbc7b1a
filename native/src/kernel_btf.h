#pragma once

#include <napi.h>

namespace bpf {

/** The functions that answer questions about the running kernel's types. */
Napi::Object DefineKernelBtf(Napi::Env env);

} // namespace bpf
