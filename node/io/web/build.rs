//! Chooses what is embedded: `node/web-ui/dist` if it was built, else a page that tells how to build it, so
//! that `cargo build` never needs Node.js.

use std::path::{Path, PathBuf};
use std::process::exit;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=WEB_REQUIRED");
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts"));
    let dist = here.join("../../web-ui/dist");
    watch(&dist);

    let built = ["index.html", "widget.html"]
        .iter()
        .all(|page| dist.join(page).is_file());
    if !built && env::var("WEB_REQUIRED").is_ok_and(|value| value == "1") {
        eprintln!(
            "WEB_REQUIRED=1, but {} has no index.html; run `npm ci && npm run build` in node/web-ui first",
            dist.display()
        );
        exit(1);
    }
    let (folder, kind) = if built {
        (dist, "embedded")
    } else {
        println!(
            "cargo:warning=the web UI is not built, a page that says so is embedded instead; \
             run `npm ci && npm run build` in node/web-ui and build again"
        );
        (here.join("stub"), "stub")
    };
    let folder = folder.canonicalize().expect("it was just found");
    println!("cargo:rustc-env=PLENARY_WEB_UI={kind}");
    println!(
        "cargo:rustc-env=PLENARY_WEB_INDEX={}",
        folder.join("index.html").display()
    );
    println!(
        "cargo:rustc-env=PLENARY_WEB_WIDGET={}",
        folder.join("widget.html").display()
    );
    memory_serve::load_directory_with_embed(folder, true);
}

/// A watched path that does not exist makes cargo run this script at every build; an empty folder does not.
fn watch(dist: &Path) {
    if fs::create_dir_all(dist).is_ok() {
        println!("cargo:rerun-if-changed={}", dist.display());
    }
}
