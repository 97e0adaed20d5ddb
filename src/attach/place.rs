//! Where an engine elsewhere is: `wss://host:port`, as typed. In the clear (`ws://`) only to this machine, where nobody
//! listens in between.

use std::fmt;
use std::net::IpAddr;

/// Where an engine elsewhere is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether what is said is encrypted.
    pub encrypted: bool,
    /// Where on that port terminals are taken.
    pub path: String,
}

impl Place {
    /// Whether a text means a place elsewhere at all.
    pub fn is_meant(text: &str) -> bool {
        text.contains("://")
    }
    /// Reads `wss://host`, `wss://host:port`, `ws://127.0.0.1:port`, each with a path where a proxy wants one. Without a port
    /// it is 443, or 80 in the clear.
    ///
    /// # Errors
    /// What is wrong with it and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            format!(
                "'{}': {what}, such as wss://desk.example.com:7600",
                text.escape_default()
            )
        };
        let (encrypted, rest) = match text.split_once("://") {
            Some(("wss", rest)) => (true, rest),
            Some(("ws", rest)) => (false, rest),
            _ => return Err(wrong("an address begins with wss://")),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(
                "a key never goes into an address: give it by TRADEWIND_KEY or --key-file".to_owned(),
            );
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '/');
        if !path.chars().all(plain) {
            return Err(wrong("a path has letters, digits, - . _ ~ and / only"));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest
                    .split_once(']')
                    .ok_or_else(|| wrong("a bracket is not closed"))?;
                host.parse::<std::net::Ipv6Addr>()
                    .map_err(|_| wrong("in brackets belongs an IPv6 address"))?;
                (
                    host,
                    if after.is_empty() {
                        None
                    } else {
                        Some(after.strip_prefix(':').unwrap_or("x"))
                    },
                )
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
        if host.is_empty() || host.len() > 253 || !host.chars().all(named) {
            return Err(wrong("a host is a name or an address"));
        }
        let port = match port {
            None => {
                if encrypted {
                    443
                } else {
                    80
                }
            }
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| wrong("a port is a number from 1 to 65535"))?,
        };
        let place = Self {
            host: host.to_ascii_lowercase(),
            port,
            encrypted,
            path: format!(
                "{}/terminal",
                format!("/{}", path.trim_matches('/')).trim_end_matches('/')
            ),
        };
        if !encrypted && !place.may_be_this_machine() {
            return Err(format!(
                "ws:// is not encrypted, so it goes to this machine alone (ws://127.0.0.1:{port}): use wss://{authority}, or a tunnel (ssh -L)"
            ));
        }
        Ok(place)
    }
    /// Whether the name is one of this machine.
    fn may_be_this_machine(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
    /// As what it is remembered: a host, in brackets where it has colons, and a port.
    pub fn name(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "wss" } else { "ws" };
        write!(f, "{scheme}://{}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_typed_and_nothing_leaves_this_machine_in_the_clear() {
        let read = |text: &str| Place::parse(text).map(|place| (place.name(), place.encrypted, place.path));
        let right = |name: &str, encrypted, path: &str| Ok((name.to_owned(), encrypted, path.to_owned()));
        assert_eq!(
            read("wss://Desk.example.com:7600"),
            right("desk.example.com:7600", true, "/terminal")
        );
        assert_eq!(
            read("wss://desk.example.com/"),
            right("desk.example.com:443", true, "/terminal")
        );
        assert_eq!(
            read("wss://a/trading/"),
            right("a:443", true, "/trading/terminal")
        );
        assert_eq!(
            read("wss://[2001:db8::1]:7600"),
            right("[2001:db8::1]:7600", true, "/terminal")
        );
        assert_eq!(
            read("ws://127.0.0.1:7600"),
            right("127.0.0.1:7600", false, "/terminal")
        );
        assert_eq!(read("ws://[::1]:7600"), right("[::1]:7600", false, "/terminal"));
        for far in [
            "ws://10.0.0.1:7600",
            "ws://desk.example.com",
            "ws://127.0.0.1.example.com:1",
            "ws://0.0.0.0:1",
        ] {
            let said = read(far).unwrap_err();
            assert!(
                said.contains("not encrypted") && said.contains("wss://"),
                "{said}"
            );
        }
        for bad in [
            "",
            "desk",
            "http://a",
            "wss://",
            "wss://:1",
            "wss://a:0",
            "wss://a:70000",
            "wss://a:b",
            "wss://[::1",
            "wss://[a]:1",
            "wss://[::1]1",
            "wss://a b",
            "wss://a/\r\nx: y",
            "wss://a\u{1b}[2J",
            "wss://a:1:2",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read("wss://tw_key@a").unwrap_err().contains("TRADEWIND_KEY"));
    }
}
