//! Says to the linker what a module of Node's needs.

fn main() {
    napi_build::setup();
}
