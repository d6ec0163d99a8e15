//! Enterprises, nodes and handshakes between them, over memory instead of sockets.

use plenary_identity::{
    EnterpriseCa, Expected, Identity, MACHINE_KEY_FILE, MachineKey, PeerIdentity, Program, explain,
};
use plenary_model::{NodeId, NodeName, ServerName};
use std::{path::Path, sync::Arc};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, rustls, server};

pub(crate) struct Enterprise {
    pub(crate) root: EnterpriseCa,
    pub(crate) folder: TempDir,
}

pub(crate) fn enterprise() -> Enterprise {
    let folder = tempfile::tempdir().expect("folder");
    let root =
        EnterpriseCa::create(&folder.path().join("root"), &"Demo".parse().expect("good")).expect("root");
    Enterprise { root, folder }
}

pub(crate) fn server(name: &str) -> ServerName {
    name.parse().expect("good")
}

pub(crate) fn node_name(name: &str) -> NodeName {
    name.parse().expect("good")
}

pub(crate) fn machine(folder: &Path) -> MachineKey {
    std::fs::create_dir_all(folder).expect("folder");
    MachineKey::open_or_create(&folder.join(MACHINE_KEY_FILE)).expect("key")
}

impl Enterprise {
    pub(crate) fn program(&self, program: Program, at: &str, name: &str, member: u64) -> Identity {
        let folder = self.folder.path().join(format!("{program}-{at}-{name}-{member}"));
        let ca = self.root.certify(program, &server(at), &[]).expect("issuers");
        Identity::create(&folder, machine(&folder), ca, node_name(name), NodeId(member)).expect("identity")
    }

    pub(crate) fn node(&self, at: &str, name: &str, member: u64) -> Identity {
        self.program(Program::Node, at, name, member)
    }
}

pub(crate) struct Met {
    pub(crate) server: Result<server::TlsStream<DuplexStream>, String>,
    pub(crate) client: Result<client::TlsStream<DuplexStream>, String>,
}

impl Met {
    /// Who the server saw; panics if the server refused.
    pub(crate) fn seen_by_server(&self) -> Option<PeerIdentity> {
        PeerIdentity::of(self.server.as_ref().expect("the server accepted").get_ref().1)
    }
    pub(crate) fn seen_by_client(&self) -> Option<PeerIdentity> {
        PeerIdentity::of(self.client.as_ref().expect("the client accepted").get_ref().1)
    }
    /// The reasons on both sides; panics if they got on with each other.
    pub(crate) fn refused(self) -> (String, String) {
        (
            self.server.map(drop).expect_err("server"),
            self.client.map(drop).expect_err("client"),
        )
    }
}

/// A handshake and a byte each way: in TLS 1.3 the client learns only from its first read that it was refused.
pub(crate) async fn meet(server: Arc<rustls::ServerConfig>, client: Arc<rustls::ClientConfig>) -> Met {
    meet_as(server, client, "node.plenary.internal").await
}

pub(crate) async fn meet_as(
    server: Arc<rustls::ServerConfig>,
    client: Arc<rustls::ClientConfig>,
    name: &str,
) -> Met {
    let (here, there) = tokio::io::duplex(64 * 1024);
    let serve = async {
        let mut stream = TlsAcceptor::from(server).accept(here).await?;
        let byte = stream.read_u8().await?;
        stream.write_u8(byte).await?;
        stream.flush().await?;
        std::io::Result::Ok(stream)
    };
    let name = name.to_owned().try_into().expect("a DNS name or address");
    let connect = async {
        let mut stream = TlsConnector::from(client).connect(name, there).await?;
        stream.write_u8(42).await?;
        stream.flush().await?;
        assert_eq!(stream.read_u8().await?, 42);
        std::io::Result::Ok(stream)
    };
    let (server, client) = tokio::join!(serve, connect);
    Met {
        server: server.map_err(|error| explain(&error)),
        client: client.map_err(|error| explain(&error)),
    }
}

pub(crate) async fn meet_programs(
    server: &Identity,
    client: &Identity,
    server_expects: Expected,
    expected: Expected,
) -> Met {
    meet(
        server.server_config(vec![server_expects]),
        client.client_config(expected),
    )
    .await
}
