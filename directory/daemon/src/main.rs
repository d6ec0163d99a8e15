//! The program `plenary-directory`; everything stands in its library.

fn main() -> std::process::ExitCode {
    plenary_directory::main()
}
