let
  name = "world";
  double = n: n * 2;
  server = { host, port ? 8080 }: "${host}:${toString port}";
in
{
  greeting = "Hello, ${name}!";
  numbers = map double [ 1 2 3 ];
  address = server { host = "example.org"; };
  nested.attributes.are = "short to write";
  both = { a = 1; b = 2; } // { b = 3; };
  isEven = builtins.filter (n: builtins.bitAnd n 1 == 0) (builtins.genList (n: n) 10);
}
