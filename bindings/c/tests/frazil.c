// Frazil from C: what the header promises.
#include "frazil.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed, failed;

static void check(bool holds, const char *what) {
  if (holds) {
    passed++;
  } else {
    failed++;
    fprintf(stderr, "failed: %s\n", what);
  }
}

static bool is(char *text, const char *expected) {
  bool same = text != NULL && strcmp(text, expected) == 0;
  if (!same) fprintf(stderr, "  %s is not %s\n", text ? text : "NULL", expected);
  frazil_string_free(text);
  return same;
}

static bool fails(frazil_evaluator *evaluator, const char *program, const char *code) {
  frazil_error *error = NULL;
  frazil_value *value = frazil_eval(evaluator, program, NULL, &error);
  if (value != NULL) frazil_string_free(frazil_value_data(value, &error));
  bool same = error != NULL && strcmp(frazil_error_code(error), code) == 0;
  if (!same) fprintf(stderr, "  %s: %s is not %s\n", program, error ? frazil_error_code(error) : "a value", code);
  frazil_error_free(error);
  frazil_value_free(value);
  value = frazil_eval(evaluator, "1 + 1", NULL, NULL);
  same = is(frazil_value_data(value, NULL), "2") && same;
  frazil_value_free(value);
  return same;
}

static void answer_length(void *data, const char *arguments, frazil_answer *answer) {
  char json[64];
  ++*(int *)data;
  snprintf(json, sizeof json, "%zu", strlen(arguments));
  frazil_answer_set(answer, json);
}

static void answer_failure(void *data, const char *arguments, frazil_answer *answer) {
  (void)data, (void)arguments;
  frazil_answer_fail(answer, "no luck");
}

static void answer_nothing(void *data, const char *arguments, frazil_answer *answer) {
  (void)data, (void)arguments, (void)answer;
}

static void answer_no_json(void *data, const char *arguments, frazil_answer *answer) {
  (void)data, (void)arguments;
  frazil_answer_set(answer, "{ no JSON");
}

static void answer_null(void *data, const char *arguments, frazil_answer *answer) {
  (void)data, (void)arguments;
  check(frazil_answer_set(answer, NULL) == -1, "NULL is no answer");
  check(frazil_answer_fail(answer, NULL) == -1, "NULL is no reason");
}

static void answer_again(void *data, const char *arguments, frazil_answer *answer) {
  (void)arguments;
  frazil_error *error = NULL;
  frazil_value *value = frazil_eval(*(frazil_evaluator **)data, "1", NULL, &error);
  frazil_answer_fail(answer, value == NULL && error != NULL ? frazil_error_code(error) : "a value");
  frazil_value_free(value);
  frazil_error_free(error);
}

// Answers whether an error was put where it was asked for, and ends it.
static bool told(frazil_error **error) {
  bool told = *error != NULL && strcmp(frazil_error_message(*error), "") != 0;
  frazil_error_free(*error);
  *error = NULL;
  return told;
}

// Every function that takes a pointer takes NULL in its place.
static void check_null(frazil_evaluator *evaluator, frazil_value *value) {
  frazil_error *e = NULL;
  check(frazil_builder_build(NULL, &e) == NULL && told(&e), "no evaluator of no builder");
  check(frazil_builder_function(NULL, "f", 1, answer_nothing, NULL, &e) == -1 && told(&e), "no function for no builder");
  frazil_builder *builder = frazil_builder_new(NULL, NULL);
  check(frazil_builder_function(builder, NULL, 1, answer_nothing, NULL, &e) == -1 && told(&e), "no function without a name");
  check(frazil_builder_function(builder, "f", 1, NULL, NULL, &e) == -1 && told(&e), "no function without a function");
  frazil_evaluator_free(frazil_builder_build(builder, NULL));
  check(frazil_builder_new("no options", &e) == NULL && told(&e), "options are JSON");
  check(frazil_evaluator_new("{ \"unheard\": 1 }", &e) == NULL && told(&e), "options have names that are known");
  frazil_evaluator_cancel(NULL);
  check(frazil_eval(evaluator, NULL, NULL, &e) == NULL && told(&e), "no value of no program");
  check(frazil_eval_file(NULL, "/x", &e) == NULL && told(&e), "no file without an evaluator");
  check(frazil_eval_file(evaluator, NULL, &e) == NULL && told(&e), "no value of no file");
  check(frazil_read_json(NULL, "1", &e) == NULL && told(&e), "no data without an evaluator");
  check(frazil_read_json(evaluator, NULL, &e) == NULL && told(&e), "no value of no data");
  check(frazil_open(NULL, &e) == NULL && told(&e), "no value of no spec");
  check(frazil_value_kind(NULL, &e) == FRAZIL_THUNK && told(&e), "no kind of no value");
  check(frazil_value_force(NULL, &e) == FRAZIL_THUNK && told(&e), "nothing forces nothing");
  check(frazil_value_length(NULL, &e) == -1 && told(&e), "no length of no value");
  check(frazil_value_get(NULL, "a", &e) == NULL && told(&e), "no attribute of no value");
  check(frazil_value_get(value, NULL, &e) == NULL && told(&e), "no attribute without a name");
  check(frazil_value_index(NULL, 0, &e) == NULL && told(&e), "no element of no value");
  check(frazil_value_path(NULL, "a", &e) == NULL && told(&e), "no path from no value");
  check(frazil_value_path(value, NULL, &e) == NULL && told(&e), "no value at no path");
  check(frazil_value_call(NULL, NULL, 0, &e) == NULL && told(&e), "no call of no function");
  check(frazil_value_call(value, NULL, 1, &e) == NULL && told(&e), "no call with no arguments where one is");
  const frazil_value *none[] = {NULL};
  check(frazil_value_call(value, none, 1, &e) == NULL && told(&e), "no call with an argument that is none");
  char *(*texts[])(const frazil_value *, frazil_error **) = {
      frazil_value_data, frazil_value_json, frazil_value_print,    frazil_value_print_deep, frazil_value_doc,
      frazil_value_text, frazil_value_names, frazil_value_drv_path};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check(texts[i](NULL, &e) == NULL && told(&e), "no text of no value");
  check(frazil_jobs_new(NULL, NULL, &e) == NULL && told(&e), "no jobs of no value");
  check(frazil_jobs_new(value, "no options", &e) == NULL && told(&e), "options of jobs are JSON");
  check(frazil_jobs_next(NULL, &e) == NULL && told(&e), "no next job of no walk");
  check(frazil_answer_set(NULL, "1") == -1 && frazil_answer_fail(NULL, "x") == -1, "no answer to nobody");
  check(frazil_error_code(NULL) == NULL && frazil_error_message(NULL) == NULL && frazil_error_render(NULL) == NULL &&
            frazil_error_file(NULL) == NULL && frazil_error_json(NULL) == NULL && frazil_error_line(NULL) == 0 &&
            frazil_error_column(NULL) == 0 && frazil_error_start(NULL) == 0 && frazil_error_end(NULL) == 0,
        "no error says nothing");
  frazil_value_free(NULL), frazil_evaluator_free(NULL), frazil_jobs_free(NULL), frazil_error_free(NULL), frazil_string_free(NULL);
}

int main(void) {
  frazil_error *error = NULL;
  int calls = 0;
  frazil_evaluator *evaluator = NULL;
  frazil_builder *builder = frazil_builder_new(
      "{ \"files\": { \"/x.nix\": \"{ a = [ 1 (throw \\\"later\\\") ]; f = n: n + 1; }\" },"
      "  \"limits\": { \"steps\": 1000000, \"memory\": \"64MiB\", \"seconds\": 5 } }", &error);
  check(builder != NULL, "options are taken");
  check(frazil_builder_function(builder, "size", 1, answer_length, &calls, &error) == 0, "a function is taken");
  check(frazil_builder_function(builder, "fail", 1, answer_failure, NULL, &error) == 0, "another one is taken");
  check(frazil_builder_function(builder, "nothing", 1, answer_nothing, NULL, &error) == 0, "a third one is taken");
  check(frazil_builder_function(builder, "none", 9, answer_nothing, NULL, NULL) == -1, "an arity that is too large is not");
  check(frazil_builder_function(builder, "noJson", 1, answer_no_json, NULL, &error) == 0, "so is a fourth one");
  check(frazil_builder_function(builder, "answerNull", 1, answer_null, NULL, &error) == 0, "and a fifth one");
  check(frazil_builder_function(builder, "again", 1, answer_again, &evaluator, &error) == 0, "and a sixth one");
  evaluator = frazil_builder_build(builder, &error);
  check(evaluator != NULL && error == NULL, "an evaluator is built");

  frazil_value *file = frazil_eval_file(evaluator, "/x.nix", &error);
  check(frazil_value_kind(file, NULL) == FRAZIL_SET && frazil_value_length(file, NULL) == 2, "a set has its length");
  check(is(frazil_value_names(file, NULL), "[\"a\",\"f\"]"), "a set has its names");
  check(is(frazil_value_print(file, NULL), "{ a = <CODE>; f = <LAMBDA>; }"), "a value prints");
  frazil_value *list = frazil_value_get(file, "a", NULL);
  frazil_value *later = frazil_value_index(list, 1, NULL);
  check(frazil_value_kind(later, NULL) == FRAZIL_THUNK, "elements are lazy");
  check(frazil_value_force(later, &error) == FRAZIL_THUNK && error != NULL, "forcing fails where the program does");
  check(strcmp(frazil_error_message(error), "later") == 0, "an error has its message");
  frazil_error_free(error), error = NULL;
  check(frazil_value_get(file, "b", &error) == NULL && error == NULL, "what is not there is no error");

  frazil_value *function = frazil_value_path(file, "f", NULL), *n = frazil_read_json(evaluator, "41", NULL);
  const frazil_value *arguments[] = {n};
  frazil_value *result = frazil_value_call(function, arguments, 1, &error);
  check(is(frazil_value_data(result, NULL), "42"), "functions are called");

  frazil_value *size = frazil_eval(evaluator, "size \"abc\"", NULL, &error);
  check(is(frazil_value_data(size, NULL), "7") && calls == 1, "functions of C's are called");
  check(fails(evaluator, "fail 1", "host-function"), "functions of C's fail");
  check(fails(evaluator, "nothing 1", "host-function"), "a function without an answer fails");
  check(fails(evaluator, "noJson 1", "host-function"), "so does one whose answer is no JSON");
  check(fails(evaluator, "answerNull 1", "host-function"), "so does one whose answer is NULL");
  check(frazil_eval(evaluator, "again 1", NULL, &error) == NULL && strcmp(frazil_error_message(error), "busy") == 0,
        "a function cannot use the evaluator that calls it");
  frazil_error_free(error), error = NULL;

  check(frazil_eval(evaluator, "{\n a = ;\n}", NULL, &error) == NULL, "what is no program has no value");
  check(strcmp(frazil_error_code(error), "syntax") == 0 && frazil_error_line(error) == 2 && frazil_error_column(error) == 6 &&
            strcmp(frazil_error_file(error), "«string»") == 0 && strstr(frazil_error_render(error), "a = ;") != NULL &&
            frazil_error_start(error) == 7 && frazil_error_end(error) == 8,
        "an error has its place");
  frazil_error_free(error), error = NULL;

  check(fails(evaluator, "builtins.readFile /etc/passwd", "restricted"), "files are refused");
  check(fails(evaluator, "builtins.readDir /etc", "restricted"), "directories are refused");
  check(fails(evaluator, "import /etc/passwd", "restricted"), "programs elsewhere are refused");
  check(fails(evaluator, "builtins.readFile (builtins.storePath /nix/store/00000000000000000000000000000000-x)", "restricted"),
        "the store is refused");
  frazil_value *home = frazil_eval(evaluator, "builtins.getEnv \"HOME\"", NULL, NULL);
  check(is(frazil_value_data(home, NULL), "\"\""), "the environment is not seen");
  frazil_value_free(home);
  frazil_value *documented = frazil_eval(evaluator, "let /** Says what it does. */ f = x: x; in f", NULL, NULL);
  check(is(frazil_value_doc(documented, NULL), "Says what it does."), "functions have their documentation");
  frazil_value_free(documented);
  check(frazil_value_doc(n, &error) == NULL && error == NULL, "other values have none");
  check(fails(evaluator, "builtins.fetchurl \"http://localhost\"", "unavailable"), "there is no network");
  check(fails(evaluator, "builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }", "steps"),
        "an endless loop is stopped");
  check(fails(evaluator, "let f = s: n: if n == 0 then s else f (s + s) (n - 1); in f \"12345678\" 40", "memory"), "a huge string is stopped");
  check(fails(evaluator, "let f = n: 1 + f n; in f 0", "call-depth"), "deep recursion is stopped");
  check(fails(evaluator, "let d = n: if n == 0 then 1 else let x = d (n - 1); in { a = x; b = x; }; in d 60", "steps"),
        "a set that is small here and huge there is stopped");
  check(fails(evaluator, "let s = builtins.concatStringsSep \"x\" (builtins.genList toString 90000); in builtins.replaceStrings [ \"\" ] [ s ] s",
              "memory"),
        "a text that is put into itself is stopped");

  check(frazil_eval(NULL, "1", NULL, &error) == NULL && told(&error), "NULL is an error");
  check_null(evaluator, file);
  check(frazil_eval(evaluator, "\xff", NULL, NULL) == NULL, "a place for an error need not be");

  frazil_value *set = frazil_eval(evaluator, "{ x = derivation { name = \"x\"; system = \"s\"; builder = \"b\"; }; y = throw \"y\"; }", NULL, NULL);
  frazil_jobs *jobs = frazil_jobs_new(set, NULL, &error);
  char *first = frazil_jobs_next(jobs, &error), *second = frazil_jobs_next(jobs, &error);
  check(first && strstr(first, "\"drvPath\"") && second && strstr(second, "\"error\""), "jobs come one by one");
  check(frazil_jobs_next(jobs, &error) == NULL && error == NULL, "jobs end");
  frazil_string_free(first), frazil_string_free(second), frazil_jobs_free(jobs);

  frazil_evaluator_free(evaluator);
  check(is(frazil_value_data(n, NULL), "41"), "values outlive their evaluator");
  frazil_value *all[] = {file, list, later, function, n, result, size, set};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) frazil_value_free(all[i]);
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
