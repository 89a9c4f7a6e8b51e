/*
 * call: one HTTP request that runs one job. All doors (v1 and compat) share it, so that hang-ups, refusals
 * and our own failures are the same everywhere; a door says only how its answers look.
 *
 *     call_start -> answer() or refuse(), once -> freed          (neither when the client leaves first)
 *
 * A door may tell of the run as it goes on: then begin() is called when the job was taken in, and answer() ends it.
 */
#pragma once

#include "api/api.h"
#include "api/fault.h"

struct call;

struct call_door {
    /* Answers call->request by the job's result. result: borrowed. */
    void (*answer)(struct call *call, const struct result *result);
    /* Says no: the request is at fault, or we are. */
    void (*refuse)(struct http_request *request, const struct fault *fault);
    /* answer() is called for STATUS_INTERNAL_ERROR and STATUS_CANCELLED too; otherwise refuse() is. */
    bool answers_failures;

    /* All NULL where nothing is told before the end. begin() may set call->own, for free_own() to free; < 0: there is
     * no memory. The others are not called once the client has left. */
    int (*begin)(struct call *call);
    void (*on_stage)(struct call *call, enum stage stage);
    void (*on_output)(struct call *call, enum stage stage, int stream, struct slice bytes);
    void (*free_own)(void *own);
};

struct call {
    struct api *api;                 /* borrowed */
    const struct call_door *door;    /* static */
    struct http_request *request;    /* borrowed; NULL once the client has left or is answered */
    struct run *run;                 /* borrowed; NULL unless it is under way */
    const struct language *language; /* borrowed */
    char *asked;                     /* owned; the language as the client wrote it */
    char *code;                      /* owned; kept only where keep_code was asked for */
    size_t code_len;
    bool base64;                     /* v1: output_encoding */
    void *own;                       /* owned: the door's */
    bool held;                       /* answer() goes on after it returns, and calls call_free() itself */
    char id[API_ID_BYTES];
};

struct call_options {
    bool base64, keep_code;
};

/* Takes the job in, or refuses. job: consumed. The request is answered sooner or later. */
void call_start(struct api *api, struct http_request *request, struct job *job, const struct call_door *door,
                struct call_options options);
/* The client can't be told any more, and the run is of no use: cancels it. request: is dealt with by the caller. */
void call_give_up(struct call *call);
/* For answer() with held. */
void call_free(struct call *call);

/* By its Content-Type; without one, it is. */
bool call_is_json(const struct http_request *request);
/* Most of v1 takes JSON only. False: it was answered with 415. */
bool call_takes_json(struct http_request *request);
/* For refuse() of v1: problem+json. */
void call_refuse_with_problem(struct http_request *request, const struct fault *fault);
/* Answers with JSON, or with 500 where r (of json_out_end()) says that body is not whole. body: taken. */
void call_answer_json(struct http_request *request, unsigned status, struct buf *body, int r);
