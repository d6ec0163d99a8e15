//! Writes the description of the interface to stdout, as it is committed in `base/contracts/openapi/v1.json`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let mut json = plenary_rest_api::openapi()
        .to_pretty_json()
        .map_err(std::io::Error::other)?;
    json.push('\n');
    std::io::stdout().write_all(json.as_bytes())
}
