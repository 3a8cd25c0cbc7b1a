#pragma once

#include <napi.h>

namespace bpf {

/** JavaScript's handle of the kernel's timing of all BPF programs, which lasts as long as somebody holds one.
 */
class Stats : public Napi::ObjectWrap<Stats> {
  public:
    static Napi::Function Define(Napi::Env env);
    explicit Stats(const Napi::CallbackInfo &info);
    ~Stats() override;

  private:
    void Close(const Napi::CallbackInfo &info);
    void Stop();

    int descriptor = -1;
};

} // namespace bpf
