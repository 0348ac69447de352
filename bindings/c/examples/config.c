// Prints an attribute of a configuration written in Nix: config FILE ATTRIBUTE.
#include "frazil.h"
#include <stdio.h>
#include <stdlib.h>

static int give_up(frazil_error *error) {
  fprintf(stderr, "%s\n", error ? frazil_error_render(error) : "no reason");
  frazil_error_free(error);
  return EXIT_FAILURE;
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "config FILE ATTRIBUTE\n"), EXIT_FAILURE;
  char options[4200];
  // Nothing but the file itself may be read. A path with quotes would need escapes, as JSON has them.
  snprintf(options, sizeof options, "{ \"roots\": [ \"%s\" ], \"limits\": { \"memory\": \"64MiB\", \"seconds\": 5 } }", argv[1]);
  frazil_error *error = NULL;
  frazil_evaluator *evaluator = frazil_evaluator_new(options, &error);
  if (evaluator == NULL) return give_up(error);
  frazil_value *config = frazil_eval_file(evaluator, argv[1], &error);
  frazil_value *wanted = config == NULL ? NULL : frazil_value_path(config, argv[2], &error);
  char *data = wanted == NULL ? NULL : frazil_value_data(wanted, &error);
  if (data != NULL) puts(data);
  frazil_string_free(data);
  frazil_value_free(wanted);
  frazil_value_free(config);
  frazil_evaluator_free(evaluator);
  return data == NULL ? give_up(error) : EXIT_SUCCESS;
}
