//! Runs a wasm test file in a headless browser.
//! `.cargo/config.toml` names it as the runner of `wasm32-unknown-unknown`.

fn main() -> anyhow::Result<()> {
    wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(std::env::args_os())
}
