#pragma once

#include <napi.h>

namespace bpf {

/** Adds the functions that need or give up privileges of the process itself. */
void DefinePrivileges(Napi::Env env, Napi::Object exports);

} // namespace bpf
