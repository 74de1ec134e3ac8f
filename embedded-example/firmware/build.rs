//! Tells the linker where the memories are and which scripts lay the program out.

fn main() {
    let here = env!("CARGO_MANIFEST_DIR");
    println!("cargo:rustc-link-search={here}");
    println!("cargo:rerun-if-changed=memory.x");
    // Sections need no page of their own: nothing maps them.
    for argument in ["--nmagic", "-Tlink.x", "-Tdefmt.x"] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
