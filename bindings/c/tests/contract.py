"""Runs the cases that all languages have in common through the shared library of C's.

    python3 contract.py LIBRARY CASES
"""

import ctypes
import json
import sys


def main() -> int:
    library = ctypes.CDLL(sys.argv[1])
    handle, text = ctypes.c_void_p, ctypes.c_char_p
    place = ctypes.POINTER(handle)
    library.frazil_open.restype, library.frazil_open.argtypes = handle, [text, place]
    library.frazil_value_data.restype, library.frazil_value_data.argtypes = handle, [handle, place]
    library.frazil_error_json.restype, library.frazil_error_json.argtypes = text, [handle]
    for name in ("value", "error", "string"):
        getattr(library, f"frazil_{name}_free").argtypes = [handle]

    def run(spec: object) -> dict[str, object]:
        error = handle()
        value = library.frazil_open(json.dumps(spec).encode(), ctypes.byref(error))
        data = library.frazil_value_data(value, ctypes.byref(error)) if value else None
        if data:
            found = {"json": json.loads(ctypes.cast(data, text).value or b"")}
            library.frazil_string_free(data)
        else:
            found = {"error": json.loads(library.frazil_error_json(error))}
            library.frazil_error_free(error)
        library.frazil_value_free(value)
        return found

    passed = failed = 0
    with open(sys.argv[2], encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    for case in cases:
        found = run(case["spec"])
        if "json" in case:
            same = json.dumps(found) == json.dumps({"json": case["json"]})
        else:
            same = "error" in found and all(found["error"][key] == part for key, part in case["error"].items())
        passed, failed = passed + same, failed + (not same)
        if not same:
            print(f"failed: {case['name']}: {found}", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed > 40 and failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
