#include "unix_datagram.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "arguments.h"
#include "error.h"

namespace bpf {

Napi::Function UnixDatagram::Define(Napi::Env env) {
    return DefineClass(
        env, "UnixDatagram",
        {InstanceMethod<&UnixDatagram::Send>("send"), InstanceMethod<&UnixDatagram::Close>("close")});
}

UnixDatagram::UnixDatagram(const Napi::CallbackInfo &info) : ObjectWrap(info) {
    const std::string path = StringArgument(info, 0, "path");
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof(address.sun_path) || path.find('\0') != std::string::npos)
        Reject(info.Env(), "connect", "the path of a socket has 1 to 107 bytes, none of them zero", EINVAL);
    memcpy(address.sun_path, path.data(), path.size());
    descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        Fail(info.Env(), "connect", "cannot make a socket", errno);
    if (connect(descriptor, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) == 0)
        return;
    const int refused = errno;
    Stop();
    Fail(info.Env(), "connect", "cannot connect to '" + path + "'", refused);
}

UnixDatagram::~UnixDatagram() {
    Stop();
}

/** True if the kernel took it; false if the receiver's queue, or the memory for it, is full. */
Napi::Value UnixDatagram::Send(const Napi::CallbackInfo &info) {
    const Bytes bytes = BytesArgument(info, 0, "bytes");
    if (descriptor < 0)
        RejectClosed(info.Env(), "send");
    ssize_t sent;
    do
        sent = send(descriptor, bytes.data, bytes.size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN && errno != ENOBUFS)
        Fail(info.Env(), "send", "cannot send a datagram", errno);
    return Napi::Boolean::New(info.Env(), sent >= 0);
}

void UnixDatagram::Close(const Napi::CallbackInfo &) {
    Stop();
}

void UnixDatagram::Stop() {
    if (descriptor >= 0)
        close(descriptor);
    descriptor = -1;
}

} // namespace bpf
