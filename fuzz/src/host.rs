//! A world without anything in it.

use frazil_vm::host::{FileKind, Host, HostError, HostResult};
use std::sync::Arc;

pub struct Empty;

impl Host for Empty {
    fn read_file(&self, _: &[u8]) -> HostResult<Arc<[u8]>> {
        Err(HostError::NotFound)
    }
    fn read_dir(&self, _: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        Err(HostError::NotFound)
    }
    fn kind(&self, _: &[u8]) -> HostResult<FileKind> {
        Err(HostError::NotFound)
    }
    fn read_link(&self, _: &[u8]) -> HostResult<Vec<u8>> {
        Err(HostError::NotFound)
    }
    fn env(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn now(&self) -> i64 {
        0
    }
    fn clock(&self) -> u64 {
        0
    }
    fn message(&self, _: &str) {}
}
