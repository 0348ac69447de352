// Frazil for C: evaluates the Nix language inside your process.
//
// Options, arguments and data are JSON texts. Texts that go in end with a zero byte and are UTF-8; texts that come out as
// `char *` are yours, and end their life in frazil_string_free. A function that can fail takes a place for an error, which
// may be NULL; it answers NULL (or a negative number) then, and what it put there is yours, and ends in frazil_error_free.
// A NULL where a handle is wanted is an error like others. Handles of one evaluator may be used from any thread; one thread
// at a time is served.

#ifndef FRAZIL_H
#define FRAZIL_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

// What a value is.
typedef enum {
  // Not evaluated yet.
  FRAZIL_THUNK,
  // `null`
  FRAZIL_NULL,
  // A Boolean.
  FRAZIL_BOOL,
  // An integer.
  FRAZIL_INT,
  // A float.
  FRAZIL_FLOAT,
  // A string.
  FRAZIL_STRING,
  // A path.
  FRAZIL_PATH,
  // A list.
  FRAZIL_LIST,
  // A set.
  FRAZIL_SET,
  // A function.
  FRAZIL_FUNCTION,
  // Anything else.
  FRAZIL_EXTERNAL,
} frazil_kind;

// Where a function of yours puts its answer.
typedef struct frazil_answer frazil_answer;

// An evaluator that is being set up.
typedef struct frazil_builder frazil_builder;

// Why something failed.
typedef struct frazil_error frazil_error;

// An evaluator.
typedef struct frazil_evaluator frazil_evaluator;

// A walk over jobs.
typedef struct frazil_jobs frazil_jobs;

// A value of an evaluator, which may not be evaluated yet. It keeps what it needs of its evaluator alive.
typedef struct frazil_value frazil_value;

// A function of yours: it is given your data and the JSON list of its arguments, and calls `frazil_answer_set` or
// `frazil_answer_fail`. It runs on the thread that evaluates, and must not use the evaluator that calls it.
typedef void (*frazil_function)(void *data, const char *arguments, frazil_answer *answer);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of this library.
const char *frazil_version(void);

// An evaluator to be set up, by options as JSON; NULL for none.
//
// # Safety
// Texts and places are as this library's header says.
frazil_builder *frazil_builder_new(const char *options, frazil_error **error);

// Puts a function of yours into scope everywhere, which takes from 1 to 8 arguments. 0, or -1 if it cannot be.
//
// # Safety
// Handles, texts and places are as this library's header says; `data` is valid as long as the evaluator, on any thread.
int frazil_builder_function(frazil_builder *builder,
                            const char *name,
                            uintptr_t arity,
                            frazil_function function,
                            void *data,
                            frazil_error **error);

// The answer of a function of yours, as JSON. 0, or -1 if it is none.
//
// # Safety
// `answer` is what the function was given, during its call.
int frazil_answer_set(frazil_answer *answer, const char *json);

// Says that a function of yours failed, and why.
//
// # Safety
// As of `frazil_answer_set`.
int frazil_answer_fail(frazil_answer *answer, const char *message);

// The evaluator; the builder ends, also if there is none.
//
// # Safety
// Handles and places are as this library's header says.
frazil_evaluator *frazil_builder_build(frazil_builder *builder, frazil_error **error);

// An evaluator by options as JSON; NULL for none.
//
// # Safety
// Texts and places are as this library's header says.
frazil_evaluator *frazil_evaluator_new(const char *options, frazil_error **error);

// Stops the evaluation at work, from any thread.
//
// # Safety
// Handles are as this library's header says.
void frazil_evaluator_cancel(const frazil_evaluator *evaluator);

// Ends an evaluator. Its values live on as long as you keep them.
//
// # Safety
// Handles are as this library's header says.
void frazil_evaluator_free(frazil_evaluator *evaluator);

// The value of a text, whose relative paths start from `base`, or from `/` if that is NULL.
//
// # Safety
// Handles, texts and places are as this library's header says.
frazil_value *frazil_eval(const frazil_evaluator *evaluator,
                          const char *program,
                          const char *base,
                          frazil_error **error);

// The value of a file, by its absolute path.
//
// # Safety
// Handles, texts and places are as this library's header says.
frazil_value *frazil_eval_file(const frazil_evaluator *evaluator,
                               const char *path,
                               frazil_error **error);

// The value of a JSON text.
//
// # Safety
// Handles, texts and places are as this library's header says.
frazil_value *frazil_read_json(const frazil_evaluator *evaluator,
                               const char *json,
                               frazil_error **error);

// The value of a spec as JSON, in an evaluator of its own.
//
// # Safety
// Texts and places are as this library's header says.
frazil_value *frazil_open(const char *spec, frazil_error **error);

// Ends a value.
//
// # Safety
// Handles are as this library's header says.
void frazil_value_free(frazil_value *value);

// What a value is, as far as it is evaluated.
//
// # Safety
// Handles and places are as this library's header says.
frazil_kind frazil_value_kind(const frazil_value *value, frazil_error **error);

// Evaluates a value, not what it holds; a thunk if it fails.
//
// # Safety
// Handles and places are as this library's header says.
frazil_kind frazil_value_force(const frazil_value *value, frazil_error **error);

// How many elements or attributes a value has; -1 if it fails, or has none of either.
//
// # Safety
// Handles and places are as this library's header says.
int64_t frazil_value_length(const frazil_value *value, frazil_error **error);

// An attribute, not evaluated; NULL without an error if there is none.
//
// # Safety
// Handles, texts and places are as this library's header says.
frazil_value *frazil_value_get(const frazil_value *value, const char *name, frazil_error **error);

// An element, not evaluated; NULL without an error if there is none.
//
// # Safety
// Handles and places are as this library's header says.
frazil_value *frazil_value_index(const frazil_value *value, uintptr_t index, frazil_error **error);

// The value at an attribute path: `a."b.c".0`.
//
// # Safety
// Handles, texts and places are as this library's header says.
frazil_value *frazil_value_path(const frazil_value *value, const char *path, frazil_error **error);

// The result of a call with so many arguments.
//
// # Safety
// Handles and places are as this library's header says; there are so many arguments.
frazil_value *frazil_value_call(const frazil_value *function,
                                const frazil_value *const *arguments,
                                uintptr_t count,
                                frazil_error **error);

// The value as JSON, evaluated with all that it holds. Paths are texts.
//
// # Safety
// Handles and places are as this library's header says.
char *frazil_value_data(const frazil_value *value, frazil_error **error);

// The value as JSON, as `builtins.toJSON` writes it.
//
// # Safety
// Handles and places are as this library's header says.
char *frazil_value_json(const frazil_value *value, frazil_error **error);

// The value in the language's own words; what is not evaluated is `<CODE>`.
//
// # Safety
// Handles and places are as this library's header says.
char *frazil_value_print(const frazil_value *value, frazil_error **error);

// The value in the language's own words, evaluated with all that it holds.
//
// # Safety
// Handles and places are as this library's header says.
char *frazil_value_print_deep(const frazil_value *value, frazil_error **error);

// What the documentation comment of the function that the value is says, evaluated; NULL, and no error, if there is none.
//
// # Safety
// Handles and places are as this library's header says.
char *frazil_value_doc(const frazil_value *value,
                       frazil_error **error);

// The text that the value is coerced to.
//
// # Safety
// Handles and places are as this library's header says.
char *frazil_value_text(const frazil_value *value, frazil_error **error);

// The names of a set as a list in JSON.
//
// # Safety
// Handles and places are as this library's header says.
char *frazil_value_names(const frazil_value *value, frazil_error **error);

// The path of the derivation's `.drv`.
//
// # Safety
// Handles and places are as this library's header says.
char *frazil_value_drv_path(const frazil_value *value, frazil_error **error);

// Ends a text that this library answered.
//
// # Safety
// NULL, or such a text that has not ended.
void frazil_string_free(char *string);

// A walk over the jobs of a value, by options as JSON; NULL for none.
//
// # Safety
// Handles, texts and places are as this library's header says.
frazil_jobs *frazil_jobs_new(const frazil_value *value, const char *options, frazil_error **error);

// The next job as JSON, with the fields of a line of nix-eval-jobs; NULL without an error if there is none.
//
// # Safety
// Handles and places are as this library's header says.
char *frazil_jobs_next(const frazil_jobs *jobs,
                       frazil_error **error);

// Ends a walk.
//
// # Safety
// Handles are as this library's header says.
void frazil_jobs_free(frazil_jobs *jobs);

// What went wrong, for programs: a word such as `thrown`, `syntax`, `memory`.
// It lives as long as the error; NULL for NULL.
//
// # Safety
// Handles are as this library's header says.
const char *frazil_error_code(const frazil_error *error);

// What went wrong, for people.
// It lives as long as the error; NULL for NULL.
//
// # Safety
// Handles are as this library's header says.
const char *frazil_error_message(const frazil_error *error);

// The error as CppNix prints it, with excerpts of the source.
// It lives as long as the error; NULL for NULL.
//
// # Safety
// Handles are as this library's header says.
const char *frazil_error_render(const frazil_error *error);

// The file of the error's place; NULL if it has none.
// It lives as long as the error; NULL for NULL.
//
// # Safety
// Handles are as this library's header says.
const char *frazil_error_file(const frazil_error *error);

// All that is known of the error, as JSON.
// It lives as long as the error; NULL for NULL.
//
// # Safety
// Handles are as this library's header says.
const char *frazil_error_json(const frazil_error *error);

// The line of the error's place, from 1; 0 if it has none.
//
// # Safety
// Handles are as this library's header says.
uint32_t frazil_error_line(const frazil_error *error);

// The column of the error's place in bytes, from 1; 0 if it has none.
//
// # Safety
// Handles are as this library's header says.
uint32_t frazil_error_column(const frazil_error *error);

// The first byte of what is to be pointed at, from the source's start; 0 if there is nothing.
//
// # Safety
// Handles are as this library's header says.
uint32_t frazil_error_start(const frazil_error *error);

// The byte behind the last of what is to be pointed at; 0 if there is nothing.
//
// # Safety
// Handles are as this library's header says.
uint32_t frazil_error_end(const frazil_error *error);

// Ends an error.
//
// # Safety
// Handles are as this library's header says.
void frazil_error_free(frazil_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FRAZIL_H */
