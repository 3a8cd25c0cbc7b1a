#pragma once

#include <napi.h>

namespace bpf {

/** JavaScript's handle of a connected datagram socket of the family AF_UNIX, which Node.js does not have. */
class UnixDatagram : public Napi::ObjectWrap<UnixDatagram> {
  public:
    static Napi::Function Define(Napi::Env env);
    explicit UnixDatagram(const Napi::CallbackInfo &info);
    ~UnixDatagram() override;

  private:
    Napi::Value Send(const Napi::CallbackInfo &info);
    void Close(const Napi::CallbackInfo &info);
    void Stop();

    int descriptor = -1;
};

} // namespace bpf
