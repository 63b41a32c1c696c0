//! Lists of addresses of a bus ("Server Addresses" in the D-Bus specification).
//!
//! zbus parses one address, and takes the escapes in a path as they stand.

use std::{
    env,
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
    str::FromStr,
};

use zbus::{
    Address, Error, Guid,
    address::{
        Transport,
        transport::{Tcp, TcpTransportFamily, Unix, UnixSocket},
    },
};

/// The most addresses of a list: each gets a share of the time for connecting.
const MAX_ADDRESSES: usize = 16;

/// Whether the environment gives the address of the session bus, by DBUS_SESSION_BUS_ADDRESS.
pub fn is_session_given() -> bool {
    given().is_some()
}

fn given() -> Option<OsString> {
    let given = env::var_os("DBUS_SESSION_BUS_ADDRESS");
    given.filter(|text| !text.is_empty())
}

/// The addresses of the session bus of the environment, to be tried in turn: those of DBUS_SESSION_BUS_ADDRESS, or the
/// socket `bus` in XDG_RUNTIME_DIR, or in `/run/user/UID`.
///
/// # Errors
/// As [`parse`].
pub fn of_session() -> zbus::Result<Vec<Address>> {
    match given() {
        Some(text) => parse(text.as_bytes()),
        None => Ok(vec![usual()]),
    }
}

/// The address of the session bus where none is given.
pub(super) fn usual() -> Address {
    let directory = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let directory = directory.filter(|path| !path.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| {
        let user = nix::unistd::geteuid();
        PathBuf::from(format!("/run/user/{user}"))
    });
    let socket = UnixSocket::File(directory.join("bus"));
    Transport::Unix(Unix::new(socket)).into()
}

/// Parses a list of addresses, separated by `;`. Addresses that nothing here can connect to are left out, unless there
/// is no other.
///
/// # Errors
/// [`Address`](Error::Address), which names the malformed address, or all if nothing here can connect to them.
pub fn parse(list: &[u8]) -> zbus::Result<Vec<Address>> {
    let texts = list.split(|&byte| byte == b';');
    let texts: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
    if texts.is_empty() {
        return Err(Error::Address("no address is given".to_owned()));
    }
    if texts.len() > MAX_ADDRESSES {
        let count = texts.len();
        let what = format!("{count} addresses are given, at most {MAX_ADDRESSES} are tried");
        return Err(Error::Address(what));
    }
    let mut addresses = Vec::new();
    for text in texts {
        match address(text) {
            Ok(address) => addresses.push(address),
            Err(Malformed::Unsupported) => {}
            Err(Malformed::Syntax(what)) => {
                let text = String::from_utf8_lossy(text);
                return Err(Error::Address(format!("{text:?}: {what}")));
            }
        }
    }
    match addresses.is_empty() {
        true => {
            let list = String::from_utf8_lossy(list);
            let what = format!("{list:?}: only addresses of unix and tcp can be connected to");
            Err(Error::Address(what))
        }
        false => Ok(addresses),
    }
}

/// Why a text gives no address to connect to.
enum Malformed {
    Syntax(&'static str),
    /// A transport for which there is no connection here, or an address for servers only.
    Unsupported,
}

impl From<&'static str> for Malformed {
    fn from(what: &'static str) -> Self {
        Self::Syntax(what)
    }
}

fn address(text: &[u8]) -> Result<Address, Malformed> {
    let colon = text.iter().position(|&byte| byte == b':');
    let (transport, values) = text.split_at(colon.ok_or("no transport ends with a colon")?);
    let values = Values::parse(values.get(1..).unwrap_or_default())?;
    let transport = match transport {
        b"unix" => unix(&values)?,
        b"tcp" => tcp(&values, None)?,
        b"nonce-tcp" => {
            let file = values
                .get("noncefile")
                .ok_or("the key noncefile is missing")?;
            tcp(&values, Some(file.to_vec()))?
        }
        _ => return Err(Malformed::Unsupported),
    };
    let address = Address::new(transport);
    match values.text("guid")? {
        Some(guid) => {
            let guid = Guid::from_str(guid).map_err(|_| "the guid is malformed")?;
            let address = address.set_guid(guid.to_owned());
            address.map_err(|_| "the guid is malformed".into())
        }
        None => Ok(address),
    }
}

fn unix(values: &Values) -> Result<Transport, Malformed> {
    let value = |key| {
        values
            .get(key)
            .map(|value| OsString::from_vec(value.to_vec()))
    };
    let socket = match (value("path"), value("abstract")) {
        (Some(path), None) => UnixSocket::File(path.into()),
        (None, Some(name)) => UnixSocket::Abstract(name),
        (Some(_), Some(_)) => return Err("it has both a path and an abstract name".into()),
        (None, None)
            if ["dir", "tmpdir", "runtime"]
                .iter()
                .any(|key| values.has(key)) =>
        {
            return Err(Malformed::Unsupported);
        }
        (None, None) => return Err("it has neither a path nor an abstract name".into()),
    };
    Ok(Transport::Unix(Unix::new(socket)))
}

fn tcp(values: &Values, nonce_file: Option<Vec<u8>>) -> Result<Transport, Malformed> {
    let host = values.text("host")?.ok_or("the key host is missing")?;
    let port = values.text("port")?.ok_or("the key port is missing")?;
    let port = port.parse().map_err(|_| "the port is malformed")?;
    let family = values.text("family")?.map(TcpTransportFamily::from_str);
    let family = family.transpose().map_err(|_| "the family is malformed")?;
    let tcp = Tcp::new(host, port).set_family(family);
    Ok(Transport::Tcp(tcp.set_nonce_file(nonce_file)))
}

/// The values of an address by their keys, without escapes.
struct Values(Vec<(Vec<u8>, Vec<u8>)>);

impl Values {
    fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let pairs = text.split(|&byte| byte == b',');
        let mut values = Self(Vec::new());
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            let sign = pair.iter().position(|&byte| byte == b'=');
            let (key, value) = pair.split_at(sign.ok_or("a key has no value")?);
            if values.0.iter().any(|(other, _)| other == key) {
                return Err("a key is there twice".into());
            }
            let value = unescape(value.get(1..).unwrap_or_default())?;
            values.0.push((key.to_vec(), value));
        }
        Ok(values)
    }

    fn get(&self, key: &str) -> Option<&[u8]> {
        let mut values = self.0.iter();
        let found = values.find(|(other, _)| other == key.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn text(&self, key: &str) -> Result<Option<&str>, Malformed> {
        let text = self.get(key).map(std::str::from_utf8).transpose();
        text.map_err(|_| "a value is not UTF-8".into())
    }
}

/// Decodes the escapes: `%` and two hexadecimal digits for a byte. Bytes that the specification wants escaped are taken
/// as they are, as sd-bus does.
fn unescape(text: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut bytes = text.iter().copied();
    let mut unescaped = Vec::new();
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let (high, low) = (digit(bytes.next()), digit(bytes.next()));
                let (high, low) = high.zip(low).ok_or("% precedes no two hex digits")?;
                u8::try_from(high << 4 | low).unwrap_or_default()
            }
            0 => return Err("it has a zero byte".into()),
            byte => byte,
        };
        unescaped.push(byte);
    }
    Ok(unescaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(list: &str) -> Vec<String> {
        let parsed = parse(list.as_bytes()).unwrap_or_else(|error| panic!("{list}: {error}"));
        parsed.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lists_of_addresses_are_parsed() {
        let check = |list, expected: &[&str]| assert_eq!(parsed(list), expected, "{list}");
        check("unix:path=/run/bus", &["unix:path=/run/bus"]);
        check("unix:abstract=/tmp/x", &["unix:abstract=/tmp/x"]);
        let guid = "unix:path=/a,guid=0123456789abcdef0123456789abcdef";
        check(guid, &[guid]);
        check(
            "unix:path=/a;;unix:path=/b;",
            &["unix:path=/a", "unix:path=/b"],
        );
        check("autolaunch:;unix:path=/a", &["unix:path=/a"]);
        check("unixexec:path=/bin/x;unix:path=/a", &["unix:path=/a"]);
        check("unix:tmpdir=/tmp;unix:path=/a", &["unix:path=/a"]);
        check(
            "tcp:host=localhost,port=1,family=ipv4,bind=*",
            &["tcp:host=localhost,port=1,family=ipv4"],
        );
        check(
            "nonce-tcp:host=::1,port=1,noncefile=/a%20b",
            &["nonce-tcp:noncefile=/a%20b,host=%3a%3a1,port=1"],
        );
    }

    #[test]
    fn escapes_are_decoded_once() {
        let check = |text: &str, expected: &str| {
            let list = format!("unix:path={text}");
            let [address] = &parse(list.as_bytes()).unwrap()[..] else {
                panic!("{list}");
            };
            let Transport::Unix(unix) = address.transport() else {
                panic!("{list}");
            };
            assert_eq!(*unix.path(), UnixSocket::File(expected.into()), "{list}");
            // An address is parsed again for another connection.
            assert_eq!(parse(address.to_string().as_bytes()).unwrap()[0], *address);
        };
        check("/a%20b%2b%c3%bc", "/a b+ü");
        check("/a%2Cb%3Bc%3dd", "/a,b;c=d");
        check("/a%2520b", "/a%20b");
        check("/a b+ü", "/a b+ü");
        check("/a=b", "/a=b");
    }

    #[test]
    fn errors_name_the_address() {
        let check = |list: &str, culprit: &str| {
            let error = parse(list.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(culprit), "{list}: {error}");
        };
        check("", "no address");
        check(";", "no address");
        check("unix:path=/a;/run/bus", "\"/run/bus\": no transport");
        check("unix:path=/a%2", "\"unix:path=/a%2\": %");
        check("unix:path=/a%zz", "%");
        check("unix:path=/a,path=/b", "twice");
        check("unix:path=/a,abstract=b", "both");
        check("unix:path", "no value");
        check("unix:", "neither");
        check("unix:path=/a,guid=1", "guid");
        check("tcp:host=a", "port");
        check("tcp:host=a,port=1x", "port");
        check("tcp:port=1", "host");
        check("nonce-tcp:host=a,port=1", "noncefile");
        check(&"unix:path=/a;".repeat(17), "17 addresses");
        check("autolaunch:", "\"autolaunch:\": only addresses of unix");
        check("unix:tmpdir=/tmp", "only addresses of unix");
    }
}
