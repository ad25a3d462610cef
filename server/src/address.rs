//! Where people and devices reach the server.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

/// What a server knows of its own addresses.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// The address under which the world knows it, as in `https://example.org`, if it stands behind a proxy.
    pub public_url: Option<String>,
    /// Its address in the local network, if it listens there.
    pub lan: Option<IpAddr>,
    /// Its port.
    pub port: u16,
    /// Whether connections are encrypted.
    pub is_encrypted: bool,
}

impl Addresses {
    /// The address to give to others: the public one; else the one that a request came to, unless nobody else can
    /// reach that; else the local network's.
    pub(crate) fn base(&self, host: Option<&str>) -> String {
        if let Some(url) = &self.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let host = host.filter(|host| is_plain(host));
        if let Some(host) = host.filter(|host| !is_loopback(host)) {
            return self.with_scheme(host);
        }
        match (self.lan, host) {
            (Some(lan), _) => self.url(lan),
            (None, Some(host)) => self.with_scheme(host),
            (None, None) => self.url(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        }
    }

    /// The server's address at one of its network addresses.
    #[must_use]
    pub fn url(&self, ip: IpAddr) -> String {
        self.with_scheme(&std::net::SocketAddr::new(ip, self.port).to_string())
    }

    fn with_scheme(&self, host: &str) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        format!("{scheme}://{host}")
    }
}

/// Whether a Host header is a name or number with an optional port, and nothing that could end up elsewhere in an
/// address.
fn is_plain(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b))
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// This computer's addresses in local networks. Asks the system which address it would use towards several
/// networks, and sends nothing.
#[must_use]
pub fn lan_addresses() -> Vec<IpAddr> {
    let mut found = Vec::new();
    for towards in ["192.168.0.1", "10.0.0.1", "172.16.0.1", "203.0.113.1"] {
        let address = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
            socket
                .connect((towards, 9))
                .and_then(|()| socket.local_addr())
        });
        if let Ok(address) = address
            && !address.ip().is_loopback()
            && !address.ip().is_unspecified()
            && !found.contains(&address.ip())
        {
            found.push(address.ip());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_for_others_is_one_that_others_can_reach() {
        let lan = Some("192.168.1.5".parse().unwrap());
        let local = Addresses {
            public_url: None,
            lan: None,
            port: 8080,
            is_encrypted: false,
        };
        let in_lan = Addresses {
            lan,
            ..local.clone()
        };
        let encrypted = Addresses {
            is_encrypted: true,
            ..in_lan.clone()
        };
        let public = Addresses {
            public_url: Some("https://example.org/".to_owned()),
            ..in_lan.clone()
        };

        assert_eq!(local.base(None), "http://127.0.0.1:8080");
        assert_eq!(local.base(Some("localhost:8080")), "http://localhost:8080");
        assert_eq!(local.base(Some("box.example:80")), "http://box.example:80");
        assert_eq!(
            in_lan.base(Some("localhost:8080")),
            "http://192.168.1.5:8080"
        );
        assert_eq!(in_lan.base(Some("[::1]:8080")), "http://192.168.1.5:8080");
        assert_eq!(encrypted.base(None), "https://192.168.1.5:8080");
        assert_eq!(encrypted.base(Some("box:80")), "https://box:80");
        assert_eq!(in_lan.base(Some("10.1.2.3:8080")), "http://10.1.2.3:8080");
        assert_eq!(public.base(Some("10.1.2.3:8080")), "https://example.org");
    }

    #[test]
    fn a_host_that_is_more_than_a_host_is_not_repeated() {
        let local = Addresses {
            public_url: None,
            lan: None,
            port: 8080,
            is_encrypted: false,
        };
        assert_eq!(
            local.base(Some("evil.example/<script>")),
            "http://127.0.0.1:8080"
        );
    }
}
