//! Who calls through whom. A proxy in front of the port says in `X-Forwarded-For` for whom it asks; that is believed only
//! where the connection comes from an address that the settings list, and only up to the last address that is not one of
//! them: what stands before it, a caller may have written itself.

use axum::http::HeaderMap;
use std::net::IpAddr;

/// An address, or all that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }
    fn holds(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let shift = 32 - u32::from(self.bits.min(32));
                ours.to_bits().checked_shr(shift) == theirs.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let shift = 128 - u32::from(self.bits.min(128));
                ours.to_bits().checked_shr(shift) == theirs.to_bits().checked_shr(shift)
            }
            _ => false,
        }
    }
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

impl Proxies {
    /// From addresses and networks such as `10.0.0.0/8`.
    ///
    /// # Errors
    /// The first that is neither.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        words
            .iter()
            .map(|word| {
                Network::parse(word.trim()).ok_or_else(|| {
                    format!("'{word}' is no address or network, such as 10.0.0.2 or 10.0.0.0/8")
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
    /// Whether none is listed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Whether what comes from there is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }
    /// Who calls, where `peer` is whose connection it is.
    pub(super) fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut caller = peer.to_canonical();
        let all: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        for word in all.into_iter().rev() {
            if !self.trusts(caller) {
                break;
            }
            let Ok(before) = word.trim().parse::<IpAddr>() else {
                break;
            };
            caller = before.to_canonical();
        }
        caller
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_a_listed_proxy_says_who_calls_and_no_caller_can_write_itself_in() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let proxies = Proxies::parse(&["127.0.0.1".into(), "10.1.0.0/16".into(), "fd00::/8".into()]).unwrap();
        let caller = |peer: &str, lines: &[&str]| proxies.caller(ip(peer), &headers(lines));
        assert_eq!(caller("127.0.0.1", &["203.0.113.9"]), ip("203.0.113.9"));
        // What a caller wrote stands before what the proxy added.
        assert_eq!(caller("127.0.0.1", &["10.9.9.9, 203.0.113.9"]), ip("203.0.113.9"));
        assert_eq!(
            caller("127.0.0.1", &["1.1.1.1", "203.0.113.9, 10.1.2.3"]),
            ip("203.0.113.9")
        );
        assert_eq!(caller("::ffff:127.0.0.1", &["203.0.113.9"]), ip("203.0.113.9"));
        assert_eq!(caller("fd00::7", &["2001:db8::1"]), ip("2001:db8::1"));
        // A stranger is who it is, whatever it says.
        assert_eq!(caller("198.51.100.1", &["127.0.0.1"]), ip("198.51.100.1"));
        assert_eq!(caller("10.2.0.1", &["127.0.0.1"]), ip("10.2.0.1"));
        assert_eq!(caller("127.0.0.1", &["nonsense"]), ip("127.0.0.1"));
        assert_eq!(caller("127.0.0.1", &[]), ip("127.0.0.1"));
        for bad in ["10.0.0.0/33", "::/129", "here", "10.0.0.0/x", ""] {
            assert!(Proxies::parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
        assert!(
            Proxies::parse(&["0.0.0.0/0".into()])
                .unwrap()
                .trusts(ip("8.8.8.8"))
        );
    }
}
