//! The program `plenary-border-controller`; everything stands in its library.

fn main() -> std::process::ExitCode {
    plenary_border_controller::main()
}
