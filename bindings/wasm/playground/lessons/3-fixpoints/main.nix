let
  fix = f: let x = f x; in x;
  extend = change: f: final: let previous = f final; in previous // change final previous;

  area = final: {
    width = 3;
    height = 4;
    area = final.width * final.height;
    text = "${toString final.width} × ${toString final.height} = ${toString final.area}";
  };
  wider = final: previous: { width = previous.width * 10; };

  factorial = fix (self: n: if n == 0 then 1 else n * self (n - 1));
in
{
  plain = (fix area).text;
  wide = (fix (extend wider area)).text;
  rec' = (rec { a = b + 1; b = 1; }).a;
  factorial = factorial 20;
}
