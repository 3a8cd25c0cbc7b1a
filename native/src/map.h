#pragma once

#include <vector>

#include "arguments.h"
#include "object.h"

namespace bpf {

/** The whole content of a map. */
struct MapContent {
    std::vector<uint8_t> keys;
    std::vector<uint8_t> values;
    size_t count = 0;
};

/** What reading a whole map needs to know of it. */
struct MapShape {
    int descriptor;
    size_t keySize;
    size_t valueStride;
    size_t maxEntries;
};

/** Reads every entry; returns 0 or the errno. */
int ReadWholeMap(const MapShape &shape, MapContent &content);

/** The same, and leaves the map empty; only of a map type with batch operations, such as a hash. */
int TakeWholeMap(const MapShape &shape, MapContent &content);

/** JavaScript's handle of a map. It owns nothing: the map lives as long as its object. */
class Map : public Napi::ObjectWrap<Map> {
  public:
    static Napi::Function Define(Napi::Env env);
    explicit Map(const Napi::CallbackInfo &info);

  private:
    Napi::Value Describe(const Napi::CallbackInfo &info);
    Napi::Value Lookup(const Napi::CallbackInfo &info);
    void Update(const Napi::CallbackInfo &info);
    Napi::Value Delete(const Napi::CallbackInfo &info);
    Napi::Value Entries(const Napi::CallbackInfo &info);
    Napi::Value Take(const Napi::CallbackInfo &info);
    void PutMap(const Napi::CallbackInfo &info);

    MapShape Shape(Napi::Env env, const char *operation) const;
    int Descriptor(Napi::Env env, const char *operation) const;
    Bytes Key(const Napi::CallbackInfo &info, const char *operation) const;

    std::shared_ptr<ObjectState> state;
    std::string name;
    bpf_map_info kernelInfo = {};

    /** Bytes of one value as the kernel copies it: for a per-CPU map all CPUs' values, each padded to 8
     * bytes. */
    size_t valueStride = 0;
    bool perCpu = false;
};

} // namespace bpf
