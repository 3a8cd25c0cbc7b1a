#pragma once

#include "object.h"

namespace bpf {

/** A program attached to its hook, or an iterator ready to be read. */
class LinkResource : public Resource {
  public:
    explicit LinkResource(bpf_link *link) : link(link) {}
    ~LinkResource() override {
        bpf_link__destroy(link);
    }

    bpf_link *const link;
};

/** JavaScript's handle of an attached program. */
class Link : public Napi::ObjectWrap<Link> {
  public:
    static Napi::Function Define(Napi::Env env);
    explicit Link(const Napi::CallbackInfo &info);

  private:
    void Close(const Napi::CallbackInfo &info);

    Owned<LinkResource> owned;
};

/** JavaScript's handle of an iterator. */
class Iterator : public Napi::ObjectWrap<Iterator> {
  public:
    static Napi::Function Define(Napi::Env env);
    explicit Iterator(const Napi::CallbackInfo &info);

  private:
    Napi::Value Read(const Napi::CallbackInfo &info);
    void Close(const Napi::CallbackInfo &info);

    Owned<LinkResource> owned;
};

} // namespace bpf
