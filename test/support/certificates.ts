import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** PEM, both. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate that vouches for itself, made for this run. */
export function selfSigned(folder: string, name: string): Certificate {
  const key = path.join(folder, `${name}.key`);
  const file = path.join(folder, `${name}.pem`);
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  args.push("-nodes", "-keyout", key, "-out", file, "-subj", `/CN=${name}`);
  args.push("-addext", "subjectAltName=IP:127.0.0.1,DNS:bess.example");
  execFileSync("openssl", args, { stdio: "ignore" });
  return { certificate: readFileSync(file, "utf8"), key: readFileSync(key, "utf8") };
}

/** One whose time is over: only an authority can date a certificate back. */
export function expiredCertificate(folder: string): Certificate {
  const { key } = selfSigned(folder, "expired");
  const place = (name: string): string => path.join(folder, name);
  writeFileSync(
    place("authority.cnf"),
    [
      "[ca]\ndefault_ca = own",
      `[own]\nnew_certs_dir = ${folder}\ndatabase = ${place("index")}`,
      `serial = ${place("serial")}\npolicy = any\ndefault_md = sha256`,
      "[any]\ncommonName = supplied\n[req]\ndistinguished_name = none\n[none]\n",
    ].join("\n"),
  );
  writeFileSync(place("index"), "");
  writeFileSync(place("serial"), "01\n");
  const common = ["-config", place("authority.cnf"), "-batch"];
  const request = ["req", "-new", "-key", place("expired.key"), "-subj", "/CN=127.0.0.1"];
  execFileSync("openssl", [...request, ...common, "-out", place("csr")], { stdio: "ignore" });
  const sign = ["ca", "-selfsign", "-keyfile", place("expired.key"), "-in", place("csr")];
  sign.push("-startdate", "20200101000000Z", "-enddate", "20200102000000Z", "-notext");
  execFileSync("openssl", [...sign, ...common, "-out", place("old.pem")], { stdio: "ignore" });
  return { certificate: readFileSync(place("old.pem"), "utf8"), key };
}
