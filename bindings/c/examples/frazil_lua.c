// Frazil for Lua: `local frazil = require "frazil_lua"`, and then `frazil.eval(program [, options])`.
//
// It answers the value's data as JSON, or nil, the error's code, and its report.

#include "frazil.h"
#include <lauxlib.h>
#include <lua.h>

static int failure(lua_State *lua, frazil_error *error) {
  lua_pushnil(lua);
  lua_pushstring(lua, frazil_error_code(error));
  lua_pushstring(lua, frazil_error_render(error));
  frazil_error_free(error);
  return 3;
}

static int eval(lua_State *lua) {
  const char *program = luaL_checkstring(lua, 1), *options = luaL_optstring(lua, 2, NULL);
  frazil_error *error = NULL;
  frazil_evaluator *evaluator = frazil_evaluator_new(options, &error);
  if (evaluator == NULL) return failure(lua, error);
  frazil_value *value = frazil_eval(evaluator, program, NULL, &error);
  char *data = value == NULL ? NULL : frazil_value_data(value, &error);
  frazil_value_free(value);
  frazil_evaluator_free(evaluator);
  if (data == NULL) return failure(lua, error);
  lua_pushstring(lua, data);
  frazil_string_free(data);
  return 1;
}

int luaopen_frazil_lua(lua_State *lua) {
  static const luaL_Reg functions[] = {{"eval", eval}, {NULL, NULL}};
  luaL_newlib(lua, functions);
  lua_pushstring(lua, frazil_version());
  lua_setfield(lua, -2, "version");
  return 1;
}
