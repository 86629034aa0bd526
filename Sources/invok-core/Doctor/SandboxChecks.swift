import Foundation
import Invok

/// What holds inside a function, and between a function and those who call it. Takes a login, since it deploys one.
struct SandboxChecks: Sendable {
    struct Refused: Error {
        let reason: String
    }

    let client: WireClient
    let token: String

    private static let report = "Report it: this is a fault of this version of Invok, or of this machine's kernel."

    /// Deploys the probe, calls it once and deletes it, whatever comes in between.
    /// - Throws: `Refused` when the server does not take it, in words for a person.
    func run() async throws -> [SecurityCheck] {
        let name = "doctor-\(UInt32.random(in: .min ... .max))"
        let deployed = try await deploy(name)
        do {
            let answer = try await call(deployed.path)
            try await delete(deployed)
            let report: ProbeReport
            do {
                report = try JSONDecoder().decode(ProbeReport.self, from: Data(answer.body))
            } catch {
                throw Refused(reason: "the probe answered \(answer.summary)")
            }
            return inside(report) + caller(report) + browser(answer, deployed.path)
        } catch {
            try? await delete(deployed)
            throw error
        }
    }

    // MARK: What is checked

    private func inside(_ report: ProbeReport) -> [SecurityCheck] {
        let capabilities = report.status.filter { $0.key.hasPrefix("Cap") && UInt64($0.value, radix: 16) != 0 }
        return [
            check("a function does not run as root", report.uid != 0, "uid \(report.uid)"),
            check(
                "a function has no capabilities", capabilities.isEmpty,
                capabilities.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")),
            check(
                "a function cannot gain privileges", report.status["NoNewPrivs"] == "1",
                "NoNewPrivs \(report.status["NoNewPrivs"] ?? "unknown")"),
            check(
                "a function's system calls are filtered", report.status["Seccomp"] == "2",
                "Seccomp \(report.status["Seccomp"] ?? "unknown")"),
            check(
                "a function writes to nothing of the system", report.writable.isEmpty,
                report.writable.joined(separator: ", ")),
            check(
                "a function reads nothing of the host", report.readable.isEmpty,
                report.readable.joined(separator: ", ")),
            check(
                "a function without egress has no network", report.interfaces.isEmpty,
                report.interfaces.joined(separator: ", ")),
            check(
                "a function cannot make sockets of unusual kinds", report.sockets.isEmpty,
                report.sockets.joined(separator: ", ")),
            check(
                "a function gets no open file of the server",
                !report.descriptors.contains { $0.hasPrefix("/") && !$0.hasPrefix("/dev/") && !$0.hasPrefix("/proc/") },
                report.descriptors.joined(separator: ", ")),
            check(
                "a function does not get the server's settings",
                !report.environment.contains { ["DATABASE_URL", "REDIS_URL", "AUTH_JWT_SECRET"].contains($0) },
                report.environment.joined(separator: ", ")),
        ]
    }

    private func caller(_ report: ProbeReport) -> [SecurityCheck] {
        let forged = report.headers.filter { Self.forged[$0.key] == $0.value }.keys.sorted()
        return [
            check(
                "a caller cannot pretend to be a proxy or the platform", forged.isEmpty,
                "the function saw \(forged.joined(separator: ", "))",
                nextStep: "Take this machine out of INVOK_TRUSTED_PROXIES, or run the doctor elsewhere."),
            check(
                "a function never sees the caller's token", !report.headers.values.contains { $0.contains(token) },
                "it was in the headers"),
        ]
    }

    private func browser(_ answer: WireClient.Answer, _ path: String) -> [SecurityCheck] {
        let fields = [
            "Service-Worker-Allowed", "Clear-Site-Data", "Strict-Transport-Security", "Alt-Svc", "X-Invok-Doctor",
        ].filter { !answer.fields($0).isEmpty }
        let cookies = answer.fields("Set-Cookie")
        return [
            check(
                "a function cannot rule the origin that it shares", fields.isEmpty, fields.joined(separator: ", ")),
            check(
                "a function's cookies stay at its path",
                cookies.allSatisfy { $0.contains("Path=\(path)") && !$0.lowercased().contains("domain=") },
                cookies.joined(separator: "; ")),
        ]
    }

    private func check(
        _ claim: String, _ holds: Bool, _ found: @autoclosure () -> String, nextStep: String = Self.report
    ) -> SecurityCheck {
        SecurityCheck(claim, holds, found: found(), nextStep: nextStep)
    }

    // MARK: The probe

    /// What a caller has no right to say, by name in lower case.
    private static let forged = [
        "x-forwarded-for": "203.0.113.9", "x-forwarded-host": "invok-doctor.invalid", "x-real-ip": "203.0.113.9",
        "forwarded": "for=203.0.113.9", "x-invok-user": "root", "x_invok_user": "root", "content_length": "7",
    ]

    private var authorization: String { "Authorization: Bearer \(token)" }

    private func deploy(_ name: String) async throws -> DeployResponse {
        var zip = ZipWriter()
        let config = #"{"function_name":"\#(name)","runtime":"python","access":"private"}"#
        zip.add("config.json", content: Array(config.utf8))
        zip.add("function.py", content: Array(ProbeReport.source.utf8))
        let boundary = "invok-doctor-\(UInt64.random(in: .min ... .max))"
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name).zip\"\r\n\r\n"
        let answer = try await client.request(
            "POST", "/invok/deploy", [authorization, "Content-Type: multipart/form-data; boundary=\(boundary)"],
            body: Array(head.utf8) + zip.finish() + Array("\r\n--\(boundary)--\r\n".utf8), forSeconds: 180)
        guard answer.status == 200 else {
            let problem = try? JSONDecoder().decode(ProblemMessage.self, from: Data(answer.body))
            throw Refused(reason: "the server did not take the probe: \(problem?.detail ?? answer.summary)")
        }
        return try JSONDecoder().decode(DeployResponse.self, from: Data(answer.body))
    }

    private func call(_ path: String) async throws -> WireClient.Answer {
        let fields = Self.forged.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return try await client.request("GET", path, [authorization] + fields)
    }

    private func delete(_ function: DeployResponse) async throws {
        _ = try await client.request(
            "DELETE", "/api/v1/functions/\(function.uuid)/\(function.name)", [authorization])
    }
}
