//! Testing a message allocates nothing, and composing one allocates the message.

use std::alloc::System;

use framelink_template::{Inputs, Match, Numbers, Template};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One test, because the allocator counts for the whole program.
#[test]
fn a_match_allocates_nothing_and_a_template_its_message() {
    let expected: Match =
        "0:4=map:0800>0810,4:6=request,10:1&0f=hex:00..0f,len=1..99999,0:1!=odd,0:2=text:08|text:09".parse().unwrap();
    let sign_on: Template = "text:0800{number:6}{random:6}".parse().unwrap();
    let numbers = Numbers::new(1..=999_999).unwrap();
    let inputs = Inputs::system(&numbers);
    let request = sign_on.compose(&inputs).unwrap();
    let mut reply = request.clone();
    reply[..4].copy_from_slice(b"0810");

    let region = Region::new(ALLOCATOR);
    for len in 0..reply.len() {
        assert!(!expected.holds(&reply[..len], None));
    }
    assert!(expected.holds(&reply, Some(&request)));
    assert_eq!(region.change().allocations, 0);

    let region = Region::new(ALLOCATOR);
    let message = sign_on.compose(&inputs).unwrap();
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (1, 0));
    assert_eq!(message.len(), 16);
}
