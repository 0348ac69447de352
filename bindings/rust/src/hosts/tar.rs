//! The files of a tar archive, in memory.

use crate::Memory;
use std::io::{self, Read};
use tar::{Archive, EntryType};

/// Modes whose files their owner may execute.
const EXECUTABLE: u32 = 0o100;

impl Memory {
    /// Adds the files and links of a tar archive below a directory. Names that lead out of it are an error.
    ///
    /// ```
    /// let mut archive = tar::Builder::new(Vec::new());
    /// let mut header = tar::Header::new_gnu();
    /// header.set_size(1);
    /// header.set_cksum();
    /// archive.append_data(&mut header, "lib/x.nix", &b"7"[..])?;
    /// let host = frazil::Memory::new().tar("/src", archive.into_inner()?.as_slice())?;
    /// assert_eq!(&*frazil::Host::read_file(&host, b"/src/lib/x.nix").unwrap(), b"7");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn tar(self, directory: impl AsRef<[u8]>, archive: impl Read) -> io::Result<Memory> {
        let mut memory = self;
        for entry in Archive::new(archive).entries()? {
            let mut entry = entry?;
            let name = entry.path_bytes().into_owned();
            if name.split(|&byte| byte == b'/').any(|part| part == b"..") {
                let name = String::from_utf8_lossy(&name);
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("'{name}' leads out of the archive"),
                ));
            }
            let parts = name.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".");
            let path =
                parts.fold(directory.as_ref().to_vec(), |path, part| [&path, &b"/"[..], part].concat());
            match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous => {
                    let executable = entry.header().mode().unwrap_or(0) & EXECUTABLE != 0;
                    let mut contents = Vec::new();
                    entry.read_to_end(&mut contents)?;
                    memory = if executable {
                        memory.executable(path, contents)
                    } else {
                        memory.file(path, contents)
                    };
                }
                EntryType::Symlink => {
                    let target = entry.link_name_bytes().unwrap_or_default();
                    memory = memory.link(path, target);
                }
                // Directories are there by their files; devices are nothing that a program reads.
                _ => {}
            }
        }
        Ok(memory)
    }
}
