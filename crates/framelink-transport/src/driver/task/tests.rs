//! Tests that a role has at most one task.

use std::future::pending;

use tokio::runtime::Builder;

use super::*;
use crate::tokio::connector::Tokio;

#[test]
fn there_is_one_task_and_another_one_where_its_runtime_is_gone() {
    let (slot, mut begun) = (TaskSlot::<Tokio>::new(), 0);
    let mut begin = || {
        slot.begin("framelink-test", || {
            begun += 1;
            pending()
        })
    };
    assert!(begin().is_err(), "there is no runtime");
    for _ in 0..2 {
        let runtime = Builder::new_current_thread().build().unwrap();
        let _entered = runtime.enter();
        begin().unwrap();
        begin().unwrap();
    }
    assert_eq!(begun, 3, "the one that could not begin, and one for each runtime");
}
