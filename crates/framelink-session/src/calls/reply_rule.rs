//! Which messages can be replies at all.

use std::collections::HashMap;

use framelink_template::Match;

/// The reply rule of a connection, and the bytes of the requests in flight that it compares with.
#[derive(Debug)]
pub(super) struct ReplyRule {
    rule: Match,
    /// How many bytes of each request are kept. 0 if the rule looks only at the message.
    kept_len: usize,
    /// By call number.
    requests: HashMap<u64, Box<[u8]>>,
}

impl ReplyRule {
    pub(super) fn new(rule: Match) -> Self {
        Self { kept_len: rule.request_len(), rule, requests: HashMap::new() }
    }

    pub(super) const fn needs_request(&self) -> bool {
        self.kept_len > 0
    }

    /// Keeps the beginning of the request of a call, as far as the rule needs it.
    pub(super) fn begin(&mut self, call: u64, request: &[u8]) {
        if self.needs_request() {
            self.requests.insert(call, request[..request.len().min(self.kept_len)].into());
        }
    }

    /// Returns whether a message can be the reply to this call, or to any call if the rule needs no request.
    pub(super) fn holds(&self, message: &[u8], call: Option<u64>) -> bool {
        let request = call.and_then(|call| self.requests.get(&call));
        self.rule.holds(message, request.map(|request| &**request))
    }

    pub(super) fn end(&mut self, call: u64) {
        if self.needs_request() {
            self.requests.remove(&call);
        }
    }

    pub(super) fn end_all(&mut self) {
        self.requests = HashMap::new();
    }

    /// Frees the memory of a burst.
    pub(super) fn shrink_to(&mut self, places: usize) {
        self.requests.shrink_to(places);
    }
}
