/*
 * zygote_jni: as much of JNI as a JVM's zygote uses. Its tables have fixed layouts (The Java Native Interface
 * specification, chapters 4 and 5); there is no header of it here, because this library is built, and preloaded, where
 * there may be no JDK.
 */
#pragma once

#include <stdint.h>

typedef void *jobject; /* jclass, jstring, jmethodID... likewise */
typedef void (*jni_function)(void);

/* A JavaVM or a JNIEnv: the functions' table, then what is the VM's own. */
struct jni_face {
    const jni_function *functions;
};

enum { /* places in JavaVM's table */
    VM_DESTROY_JAVA_VM = 3,
    VM_DETACH_CURRENT_THREAD = 5,
    VM_GET_ENV = 6,
    VM_N_FUNCTIONS = 8,
};
enum { /* places in JNIEnv's */
    ENV_FIND_CLASS = 6,
    ENV_EXCEPTION_DESCRIBE = 16,
    ENV_EXCEPTION_CLEAR = 17,
    ENV_ALLOC_OBJECT = 27,
    ENV_GET_OBJECT_CLASS = 31,
    ENV_GET_METHOD_ID = 33,
    ENV_CALL_VOID_METHOD = 61,
    ENV_GET_STATIC_METHOD_ID = 113,
    ENV_CALL_STATIC_OBJECT_METHOD = 114,
    ENV_CALL_STATIC_VOID_METHOD = 141,
    ENV_GET_STATIC_FIELD_ID = 144,
    ENV_GET_STATIC_OBJECT_FIELD = 145,
    ENV_NEW_OBJECT_ARRAY = 172,
    ENV_SET_OBJECT_ARRAY_ELEMENT = 174,
    ENV_NEW_BYTE_ARRAY = 176,
    ENV_SET_BYTE_ARRAY_REGION = 208,
    ENV_REGISTER_NATIVES = 215,
    ENV_EXCEPTION_CHECK = 228,
    ENV_N_FUNCTIONS = 233, /* of version 1.6; later ones have added at the end */
};
enum { JNI_OK = 0, JNI_TRUE = 1, JNI_VERSION_1_6 = 0x00010006 };
enum { LM_CLASS = 1 }; /* sun.launcher.LauncherHelper: what is named is a class, not a jar or a module */

typedef int get_vms_function(struct jni_face **vms, int32_t size, int32_t *n);
typedef int get_env_function(struct jni_face *vm, struct jni_face **env, int32_t version);
typedef int vm_function(struct jni_face *vm);
struct jni_native { /* a method that is written in C */
    const char *name, *type;
    void *function;
};

typedef uint8_t check_function(struct jni_face *env);
typedef int32_t register_function(struct jni_face *env, jobject class, const struct jni_native *methods, int32_t n);
typedef jobject alloc_function(struct jni_face *env, jobject class);
typedef void env_function(struct jni_face *env);
typedef jobject find_class_function(struct jni_face *env, const char *name);
typedef jobject method_id_function(struct jni_face *env, jobject class, const char *name, const char *type);
typedef jobject call_object_function(struct jni_face *env, jobject class, jobject method, ...);
typedef jobject get_class_function(struct jni_face *env, jobject object);
typedef jobject get_object_function(struct jni_face *env, jobject class, jobject field);
typedef void call_void_function(struct jni_face *env, jobject class, jobject method, ...);
typedef jobject new_array_function(struct jni_face *env, int32_t len, jobject class, jobject initial);
typedef jobject new_byte_array_function(struct jni_face *env, int32_t len);
typedef void set_element_function(struct jni_face *env, jobject array, int32_t at, jobject value);
typedef void set_bytes_function(struct jni_face *env, jobject array, int32_t from, int32_t len, const void *bytes);

/* The function at a place of a table, by its type. */
#define JNI(type, face, place) ((type *)(face)->functions[place])
