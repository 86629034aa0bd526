import Foundation
import InvokProxy
import InvokProxyTests
import TestSupport
import Testing

/// Go's `net/http`, as a program that is given messages and says what it makes of them.
enum GoParser {
    /// What it makes of one.
    struct Meaning: Decodable, Hashable {
        let method: String
        let target: String
        let host: String
        let status: Int
        let body: Data?
        let close: Bool
        /// Why it refuses it, or that more is needed; else empty.
        let error: String

        var bytes: [UInt8] { Array(body ?? Data()) }

        enum CodingKeys: String, CodingKey {
            case method = "Method"
            case target = "Target"
            case host = "Host"
            case status = "Status"
            case body = "Body"
            case close = "Close"
            case error = "Error"
        }
    }

    /// One message, and what it is taken for.
    struct Message {
        enum Kind: Character { case request = "r", answer = "a", answerToHead = "h" }

        let kind: Kind
        let text: String
    }

    /// - Returns: a meaning for each message.
    static func meanings(of messages: [Message]) async throws -> [Meaning] {
        let folder = try TemporaryFolder()
        let source = URL(filePath: folder.path)
        try Data(program.utf8).write(to: source.appending(path: "main.go"))
        try Data("module parser\n\ngo 1.23\n".utf8).write(to: source.appending(path: "go.mod"))
        // The flags are those that functions are built with, so that what Go keeps of its library serves both.
        try await run(
            [try InstalledTool.path(of: "go"), "build", "-trimpath", "-buildvcs=false", "-o", "parser", "."], in: source
        )
        let input = messages.reduce(into: Data()) { data, message in
            let bytes = Array(message.text.utf8)
            data += Array(String(message.kind.rawValue).utf8)
            data += withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
        }
        let lines = try await run([source.appending(path: "parser").path], in: source, input: input).split(
            separator: UInt8(ascii: "\n"))
        return try lines.map { try JSONDecoder().decode(Meaning.self, from: $0) }
    }

    /// Runs a program to its end, which has to be a good one.
    /// - Returns: what it printed.
    @discardableResult
    private static func run(_ command: [String], in folder: URL, input: Data = Data()) async throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging([
            "CGO_ENABLED": "0", "GOENV": "off", "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        ]) { $1 }
        let file = folder.appending(path: "input")
        try input.write(to: file)
        process.standardInput = try FileHandle(forReadingFrom: file)
        let output = Pipe()
        process.standardOutput = output
        let ended = ProcessEnd(of: process)
        try process.run()
        let printed = await withCheckedContinuation { done in
            Thread.detachNewThread { done.resume(returning: output.fileHandleForReading.readDataToEndOfFile()) }
        }
        await ended.wait()
        try #require(process.terminationStatus == 0, "\(command)")
        return printed
    }

    private static let program = #"""
        package main

        import (
        	"bufio"
        	"bytes"
        	"encoding/binary"
        	"encoding/json"
        	"io"
        	"net/http"
        	"os"
        )

        type meaning struct {
        	Method, Target, Host string
        	Status               int
        	Body                 []byte
        	Close                bool
        	Error                string
        }

        func request(message []byte) meaning {
        	read, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(message)))
        	if err != nil {
        		return meaning{Error: err.Error()}
        	}
        	body, err := io.ReadAll(read.Body)
        	if err != nil {
        		return meaning{Error: err.Error()}
        	}
        	return meaning{Method: read.Method, Target: read.RequestURI, Host: read.Host, Body: body, Close: read.Close}
        }

        func answer(message []byte, method string) meaning {
        	reader := bufio.NewReader(bytes.NewReader(message))
        	for {
        		read, err := http.ReadResponse(reader, &http.Request{Method: method})
        		if err != nil {
        			return meaning{Error: err.Error()}
        		}
        		// What http.Transport does with interim answers.
        		if read.StatusCode >= 100 && read.StatusCode < 200 && read.StatusCode != 101 {
        			continue
        		}
        		body, err := io.ReadAll(read.Body)
        		if err != nil {
        			return meaning{Error: err.Error()}
        		}
        		return meaning{Status: read.StatusCode, Body: body, Close: read.Close}
        	}
        }

        // Messages come as a letter, a length of four bytes and the bytes; a line of JSON goes out for each.
        func main() {
        	input, output := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
        	for {
        		kind, err := input.ReadByte()
        		if err != nil {
        			return
        		}
        		var length uint32
        		if binary.Read(input, binary.BigEndian, &length) != nil {
        			os.Exit(1)
        		}
        		message := make([]byte, length)
        		if _, err := io.ReadFull(input, message); err != nil {
        			os.Exit(1)
        		}
        		switch kind {
        		case 'r':
        			output.Encode(request(message))
        		case 'h':
        			output.Encode(answer(message, "HEAD"))
        		default:
        			output.Encode(answer(message, "GET"))
        		}
        	}
        }
        """#
}
