//! What the product promises, told row by row through its public interfaces: cluster-tests/stories.

use crate::{
    server::Server,
    steps::{build, built, step},
};

/// All stories at once on one server of three nodes; those that lose a node at the end.
pub(crate) fn test() -> anyhow::Result<()> {
    // With the node, so that what both use is compiled once.
    build(&["plenary-node", "plenary-stories"])?;
    let server = Server::start(3, &[])?;
    let mut command = built("plenary-stories");
    command
        .env("PLENARY_NODES", &server.nodes)
        .env("PLENARY_ADMIN", &server.admin)
        .env("PLENARY_PASSWORD", &server.password);
    step(command, "plenary-stories")
}
