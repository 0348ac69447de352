#!/usr/bin/env python3
"""What the crate `frazil` promises, one line for each public item, as rustdoc sees it; compared with `api.txt`.

    api.py DOC           compares; DOC is the folder of rustdoc's JSON of frazil, frazil-engine and frazil-vm
    api.py DOC --update  writes api.txt anew

A line that is gone or has changed breaks those who use the crate, and wants a new minor version; a new line must be recorded.
"""

import json
import sys
from pathlib import Path

RECORD = Path(__file__).with_name("api.txt")


class Crate:
    def __init__(self, doc: Path, name: str) -> None:
        data = json.loads((doc / f"{name}.json").read_text())
        self.doc, self.index, self.paths, self.root = doc, data["index"], data["paths"], data["root"]
        self.name = name

    def item(self, number: int) -> tuple["Crate", dict] | None:
        if found := self.index.get(str(number)):
            return self, found
        # Another crate's item, which this one shows as its own.
        path = self.paths[str(number)]
        crate = crate_of(self.doc, path["path"][0])
        if crate is None:
            return None
        for other, there in crate.paths.items():
            if there["path"] == path["path"] and there["kind"] == path["kind"] and other in crate.index:
                return crate, crate.index[other]
        return None


CRATES: dict[str, Crate | None] = {}


def crate_of(doc: Path, name: str) -> Crate | None:
    if name not in CRATES:
        CRATES[name] = Crate(doc, name) if (doc / f"{name}.json").exists() else None
    return CRATES[name]


def args(node: dict | None) -> str:
    if not node:
        return ""
    if "parenthesized" in node:
        inputs, output = node["parenthesized"]["inputs"], node["parenthesized"]["output"]
        return f"({', '.join(map(type_, inputs))})" + (f" -> {type_(output)}" if output else "")
    parts = [type_(arg["type"]) if "type" in arg else next(iter(arg.values())) for arg in node["angle_bracketed"]["args"] if isinstance(arg, dict)]
    for bound in node["angle_bracketed"]["constraints"]:
        means = bound["binding"]
        parts.append(f"{bound['name']} = " + (type_(means["equality"]["type"]) if "equality" in means else bounds(means["constraint"])))
    return f"<{', '.join(map(str, parts))}>" if parts else ""


def bounds(list_: list) -> str:
    def bound(b: dict) -> str:
        if "trait_bound" in b:
            hrtb = [p["name"] for p in b["trait_bound"]["generic_params"]]
            head = f"for<{', '.join(hrtb)}> " if hrtb else ""
            sized = "?" if b["trait_bound"]["modifier"] == "maybe" else ""
            return head + sized + path(b["trait_bound"]["trait"])
        return str(b.get("outlives", json.dumps(b)))

    return " + ".join(map(bound, list_))


def path(node: dict) -> str:
    return node["path"].rsplit("::", 1)[-1] + args(node.get("args"))


def type_(node: dict | None) -> str:
    if node is None:
        return "()"
    if node == "infer":
        return "_"
    (kind, of), = node.items()
    if kind == "resolved_path":
        return path(of)
    if kind in ("primitive", "generic"):
        return of
    if kind == "borrowed_ref":
        return "&" + (of["lifetime"] + " " if of["lifetime"] else "") + ("mut " if of["is_mutable"] else "") + type_(of["type"])
    if kind == "slice":
        return f"[{type_(of)}]"
    if kind == "array":
        return f"[{type_(of['type'])}; {of['len']}]"
    if kind == "tuple":
        return f"({', '.join(map(type_, of))})"
    if kind == "impl_trait":
        return "impl " + bounds(of)
    if kind == "dyn_trait":
        traits = [path(t["trait"]) for t in of["traits"]]
        return "dyn " + " + ".join(traits + ([of["lifetime"]] if of["lifetime"] else []))
    if kind == "qualified_path":
        return f"<{type_(of['self_type'])} as {path(of['trait']) if of['trait'] else '_'}>::{of['name']}"
    if kind == "function_pointer":
        return "fn" + signature(of["sig"])
    return json.dumps(node, sort_keys=True)


def signature(sig: dict) -> str:
    inputs = ", ".join(f"{name}: {type_(t)}" for name, t in sig["inputs"])
    return f"({inputs})" + (f" -> {type_(sig['output'])}" if sig["output"] else "")


def generics(node: dict) -> str:
    def param(p: dict) -> str:
        of = p["kind"].get("type")
        if of is None:
            return p["name"]
        return p["name"] + (": " + bounds(of["bounds"]) if of["bounds"] else "")

    params = [param(p) for p in node["params"] if not (p["kind"].get("type") or {}).get("is_synthetic")]
    wheres = [
        f"{type_(w['bound_predicate']['type'])}: {bounds(w['bound_predicate']['bounds'])}"
        for w in node["where_predicates"]
        if "bound_predicate" in w
    ]
    return (f"<{', '.join(params)}>" if params else "") + (f" where {', '.join(wheres)}" if wheres else "")


def function(item: dict) -> str:
    of = item["inner"]["function"]
    head = "".join(word + " " for word in ("const", "unsafe", "async") if of["header"][f"is_{word}"])
    return head + "fn " + generics(of["generics"]) + signature(of["sig"])


AUTO = {"UnwindSafe", "RefUnwindSafe", "Freeze", "UnsafeUnpin", "Any", "Borrow", "BorrowMut", "From", "Into", "TryFrom", "TryInto", "ToOwned", "CloneToUninit", "StructuralPartialEq"}


def walk(crate: Crate, item: dict, name: str, out: set[str]) -> None:
    attrs = " #[non_exhaustive]" if any("non_exhaustive" in str(a) for a in item["attrs"]) else ""
    (kind, of), = item["inner"].items()
    if kind == "module":
        for number in of["items"]:
            child = crate.index[str(number)]
            if child["visibility"] != "public":
                continue
            if "use" in child["inner"]:
                use = child["inner"]["use"]
                found = crate.item(use["id"])
                if found is None:
                    out.add(f"{name}::{use['name']} = {use['source']}")
                else:
                    walk(*found, f"{name}::{use['name']}", out)
            else:
                walk(crate, child, f"{name}::{child['name']}", out)
    elif kind in ("struct", "enum", "union"):
        out.add(f"{name}: {kind} {generics(of['generics'])}{attrs}".rstrip())
        if kind == "struct":
            fields = of["kind"].get("plain", {}).get("fields", []) if isinstance(of["kind"], dict) else []
            for number in fields:
                field = crate.index[str(number)]
                if field["visibility"] == "public":
                    out.add(f"{name}.{field['name']}: {type_(field['inner']['struct_field'])}")
        for number in of.get("variants", []):
            variant = crate.index[str(number)]
            inner = variant["inner"]["variant"]["kind"]
            told = ""
            if isinstance(inner, dict) and "tuple" in inner:
                told = "(" + ", ".join(type_(crate.index[str(n)]["inner"]["struct_field"]) for n in inner["tuple"] if n) + ")"
            elif isinstance(inner, dict):
                fields = [crate.index[str(n)] for n in inner["struct"]["fields"]]
                told = " { " + ", ".join(f"{f['name']}: {type_(f['inner']['struct_field'])}" for f in fields) + " }"
            out.add(f"{name}::{variant['name']}{told}")
        for number in of["impls"]:
            impl = crate.index.get(str(number))
            if impl is None:
                continue
            inner = impl["inner"]["impl"]
            if inner["trait"] is None:
                for at in inner["items"]:
                    member = crate.index[str(at)]
                    if member["visibility"] == "public":
                        walk(crate, member, f"{name}::{member['name']}", out)
            elif inner["blanket_impl"] is None and inner["trait"]["path"].rsplit("::", 1)[-1] not in AUTO - {"From"}:
                no = "!" if inner["is_negative"] else ""
                out.add(f"{name} is {no}{path(inner['trait'])}")
    elif kind == "trait":
        out.add(f"{name}: trait{generics(of['generics'])}: {bounds(of['bounds'])}")
        for number in of["items"]:
            member = crate.index[str(number)]
            walk(crate, member, f"{name}::{member['name']}", out)
            if "function" in member["inner"]:
                out.add(f"{name}::{member['name']} is {'provided' if member['inner']['function']['has_body'] else 'required'}")
    elif kind == "function":
        out.add(f"{name}: {function(item)}")
    elif kind in ("constant", "assoc_const"):
        out.add(f"{name}: const {type_(of['type'])}")
    elif kind == "type_alias":
        out.add(f"{name}: type {type_(of['type'])}")
    elif kind in ("proc_macro", "macro"):
        out.add(f"{name}: macro")
    else:
        out.add(f"{name}: {kind}")


def main() -> int:
    doc = Path(sys.argv[1])
    crate = Crate(doc, "frazil")
    out: set[str] = set()
    walk(crate, crate.index[str(crate.root)], "frazil", out)
    lines = sorted(out)
    if "--update" in sys.argv:
        RECORD.write_text("".join(line + "\n" for line in lines))
        return 0
    known = set(RECORD.read_text().splitlines())
    gone, new = sorted(known - out), sorted(out - known)
    for line in gone:
        print(f"breaks its users: no longer {line}")
    for line in new:
        print(f"not recorded: {line}")
    print(f"{len(known & out)} passed, {len(gone) + len(new)} failed")
    return 1 if gone or new else 0


if __name__ == "__main__":
    sys.exit(main())
