//! Disks of their own for nodes: an XFS file system in a file, whose power can be cut.

use anyhow::Context as _;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A mounted file system in a file; unmounted when dropped.
pub(crate) struct Disk {
    image: PathBuf,
    mounted: PathBuf,
}

impl Disk {
    /// Makes and mounts a file system of 512 MiB below `folder`. Needs root and xfsprogs.
    pub(crate) fn make(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let image = folder.join(format!("{name}.img"));
        let mounted = folder.join(name);
        std::fs::create_dir_all(&mounted)?;
        std::fs::File::create(&image)?.set_len(512 << 20)?;
        run("mkfs.xfs", &["-q", "-f", path(&image)?])?;
        let disk = Self { image, mounted };
        disk.mount()?;
        Ok(disk)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.mounted
    }

    fn mount(&self) -> anyhow::Result<()> {
        run("mount", &["-o", "loop", path(&self.image)?, path(&self.mounted)?])
    }

    /// From now on nothing reaches the disk any more, as if the power had gone: what was not flushed is lost.
    pub(crate) fn cut_power(&self) -> anyhow::Result<()> {
        run("xfs_io", &["-x", "-c", "shutdown", path(&self.mounted)?])
    }

    /// Writes a file until no byte more fits.
    pub(crate) fn fill(&self) -> anyhow::Result<()> {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.filler())?;
        let block = vec![7; 1 << 20];
        loop {
            match file.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes that file away.
    pub(crate) fn empty(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.mounted.join("filler")
    }

    /// Power is back: mounts what reached the disk. The programs on it must have ended.
    pub(crate) fn restore_power(&self) -> anyhow::Result<()> {
        run("umount", &[path(&self.mounted)?])?;
        self.mount()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Err(error) = path(&self.mounted).and_then(|path| run("umount", &["-l", path])) {
            eprintln!("{} stays mounted: {error:#}", self.mounted.display());
        }
    }
}

fn path(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("temporary paths are UTF-8")
}

/// Runs a program to its end.
pub(crate) fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("{program} cannot be started; is its Debian package installed?"))?;
    anyhow::ensure!(
        output.status.success(),
        "{program} {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
