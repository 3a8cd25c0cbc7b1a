#include "object.h"

#include <bpf/bpf.h>

#include "arguments.h"

namespace bpf {

Napi::Value Object::TestRun(const Napi::CallbackInfo &info) {
    const std::string name = StringArgument(info, 0, "program");
    const Bytes context = BytesArgument(info, 1, "context");
    const Bytes data = BytesArgument(info, 2, "data");
    const uint32_t repeat = CountArgument(info, 3, "repeat");
    bpf_program *program = state->LoadedProgram(info.Env(), "testRun", name);
    LIBBPF_OPTS(bpf_test_run_opts, options, .repeat = static_cast<int>(repeat));
    // A kind of program that takes none of them wants null pointers.
    if (context.size > 0) {
        options.ctx_in = context.data;
        options.ctx_size_in = static_cast<uint32_t>(context.size);
    }
    if (data.size > 0) {
        options.data_in = data.data;
        options.data_size_in = static_cast<uint32_t>(data.size);
    }
    const int result = bpf_prog_test_run_opts(bpf_program__fd(program), &options);
    if (result)
        Fail(info.Env(), "testRun", "cannot run program '" + name + "'", -result);
    auto answer = Napi::Object::New(info.Env());
    answer["returnValue"] = options.retval;
    answer["durationNs"] = options.duration;
    return answer;
}

} // namespace bpf
