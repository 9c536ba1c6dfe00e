//! HTTPS with a certificate of an authority of our own.

use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::RwLock;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// A server certificate for the loopback names and its authority, both made
/// here. Clones are the same certificate, so that a server that stops and comes
/// back keeps it; a new one is a rotation that clients must be told of.
#[derive(Clone)]
pub struct Tls {
    ca_pem: String,
    names: Vec<String>,
    authority: Arc<CertifiedIssuer<'static, KeyPair>>,
    acceptor: Arc<RwLock<TlsAcceptor>>,
}

impl Tls {
    /// A certificate for `localhost`, the loopback addresses and `names`.
    ///
    /// # Errors
    /// When a name is no DNS name and no address.
    pub fn new(names: &[&str]) -> anyhow::Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let common_name = "OMS simulator authority";
        authority
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

        let mut all = vec!["localhost".to_owned(), "127.0.0.1".into(), "::1".into()];
        all.extend(names.iter().map(|name| (*name).to_owned()));
        let acceptor = issue(&authority, &all, Validity::Good)?;
        Ok(Self {
            ca_pem: authority.pem(),
            names: all,
            authority: Arc::new(authority),
            acceptor: Arc::new(RwLock::new(acceptor)),
        })
    }

    /// From now on new connections get a certificate that expired long ago.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn expire(&self) -> anyhow::Result<()> {
        *self.acceptor.write() = issue(&self.authority, &self.names, Validity::Expired)?;
        Ok(())
    }

    /// From now on new connections get a new certificate of the same authority.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn renew(&self) -> anyhow::Result<()> {
        *self.acceptor.write() = issue(&self.authority, &self.names, Validity::Good)?;
        Ok(())
    }

    /// The authority that clients must trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.read().clone()
    }
}

enum Validity {
    Good,
    Expired,
}

fn issue(
    authority: &CertifiedIssuer<'static, KeyPair>,
    names: &[String],
    validity: Validity,
) -> anyhow::Result<TlsAcceptor> {
    let mut server = CertificateParams::new(names)
        .with_context(|| format!("cannot write {names:?} into a certificate"))?;
    server
        .distinguished_name
        .push(DnType::CommonName, "OMS simulator");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if let Validity::Expired = validity {
        server.not_before = date_time_ymd(2001, 1, 1);
        server.not_after = date_time_ymd(2002, 1, 1);
    }
    let key = KeyPair::generate()?;
    let server = server.signed_by(&key, authority)?;
    acceptor(
        server.der().clone(),
        PrivatePkcs8KeyDer::from(key.serialize_der()),
    )
}

/// The provider is named, so that no process-wide default is needed or set.
fn acceptor(
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
) -> anyhow::Result<TlsAcceptor> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
