let
  # A list without end: each cell holds the rest of the list, unevaluated.
  from = n: { head = n; tail = from (n + 1); };
  keep = test: list:
    if test list.head then { inherit (list) head; tail = keep test list.tail; } else keep test list.tail;
  sieve = list: {
    inherit (list) head;
    tail = sieve (keep (n: n - n / list.head * list.head != 0) list.tail);
  };
  take = n: list: if n == 0 then [ ] else [ list.head ] ++ take (n - 1) list.tail;

  pair = { used = 6 * 7; unused = throw "nobody asks for this"; };
in
{
  primes = take 10 (sieve (from 2));
  answer = pair.used;
  length = builtins.length [ (throw "nor for this") (1 / 0) ];
  caught = builtins.tryEval pair.unused;
}
