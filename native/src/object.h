#pragma once

#include <memory>
#include <set>
#include <string>

#include <bpf/libbpf.h>
#include <napi.h>

#include "error.h"

namespace bpf {

/** Something that was made from a loaded object and must go before it: a link, an event buffer. */
class Resource {
  public:
    virtual ~Resource() = default;
};

/**
 * An opened BPF object and everything made from it. The JavaScript handles share it: it closes when the
 * object's handle is closed, or when the last handle of all is collected.
 */
class ObjectState {
  public:
    explicit ObjectState(bpf_object *object) : object(object) {}
    ~ObjectState() {
        Close();
    }
    ObjectState(const ObjectState &) = delete;
    ObjectState &operator=(const ObjectState &) = delete;

    void Close();

    // Each returns the object, or throws when it is not in the stage that the operation needs.
    bpf_object *NotClosed(Napi::Env env, const char *operation) const;
    bpf_object *BeforeLoad(Napi::Env env, const char *operation) const;
    bpf_object *Loaded(Napi::Env env, const char *operation) const;

    // Each throws ENOENT for a name that the object does not have.
    bpf_program *Program(Napi::Env env, const char *operation, const std::string &name) const;
    bpf_map *Map(Napi::Env env, const char *operation, const std::string &name) const;

    // As above, and throws EINVAL for what was left out of the load (autoload, autocreate).
    bpf_program *LoadedProgram(Napi::Env env, const char *operation, const std::string &name) const;
    bpf_map *CreatedMap(Napi::Env env, const char *operation, const std::string &name) const;

    enum class Stage { opened, loaded, failed };
    Stage stage = Stage::opened;

    /** The owners of what was made from the object; a handle has only a weak reference. */
    std::set<std::shared_ptr<Resource>> resources;

  private:
    bpf_object *object;
};

/** What a handle of a resource holds. The resource is gone as soon as either the handle or its object is
 * closed. */
template <typename T> class Owned {
  public:
    void Adopt(std::shared_ptr<ObjectState> state, std::shared_ptr<T> made) {
        state->resources.insert(made);
        owner = std::move(state);
        resource = made;
    }
    std::shared_ptr<T> Use(Napi::Env env, const char *operation) const {
        auto alive = resource.lock();
        if (!alive)
            RejectClosed(env, operation);
        return alive;
    }
    void Close() {
        if (const auto alive = resource.lock())
            owner->resources.erase(alive);
    }

  private:
    std::shared_ptr<ObjectState> owner;
    std::weak_ptr<T> resource;
};

/** JavaScript's handle of an object. */
class Object : public Napi::ObjectWrap<Object> {
  public:
    static Napi::Function Define(Napi::Env env);

    /** The state behind the handle that is a constructor's first argument. */
    static std::shared_ptr<ObjectState> StateOf(const Napi::CallbackInfo &info);

    explicit Object(const Napi::CallbackInfo &info);

  private:
    Napi::Value ProgramNames(const Napi::CallbackInfo &info);
    Napi::Value MapNames(const Napi::CallbackInfo &info);
    void SetGlobal(const Napi::CallbackInfo &info);
    void SetAutoload(const Napi::CallbackInfo &info);
    void SetMapMaxEntries(const Napi::CallbackInfo &info);
    void SetMapAutocreate(const Napi::CallbackInfo &info);
    void ReuseMap(const Napi::CallbackInfo &info);
    void Load(const Napi::CallbackInfo &info);
    Napi::Value ProgramInfo(const Napi::CallbackInfo &info);
    Napi::Value TestRun(const Napi::CallbackInfo &info);
    void Close(const Napi::CallbackInfo &info);

    std::shared_ptr<ObjectState> state;
};

} // namespace bpf
