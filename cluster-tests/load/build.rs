fn main() {
    let files =
        protox::compile(["proto/kv.proto"], ["proto"]).expect("the benchmark's proto file is well formed");
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds(files)
        .expect("code is generated into OUT_DIR");
    println!("cargo:rerun-if-changed=proto/kv.proto");
}
