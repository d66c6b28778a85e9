// Package soap speaks SOAP 1.1 and 1.2 with devices that do not quite: it reads
// envelopes whatever their namespaces, refuses what is meant to harm, and signs in
// with WS-Security's UsernameToken or HTTP digest, whichever the device takes.
//
// What is read is an [Element] tree, found by local names: real devices leave
// prefixes undeclared and mix up namespaces.
package soap
