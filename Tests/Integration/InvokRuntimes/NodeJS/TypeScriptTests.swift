import Invok
import InvokRuntimes
import Testing

/// TypeScript as people write it.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct TypeScriptTests {
    private static func answer(_ files: [String: String], compiles: Bool = true) throws -> String {
        let instance = try TestBundle(.nodejs, files: files, compiles: compiles).start()
        let text = try instance.request("GET", "/hello-world").text
        let end = try instance.stop()
        #expect(end.status == 0)
        #expect(end.output == "", "no warnings in the function's log")
        return text
    }

    @Test(arguments: [
        ["function.ts": "enum C { A = 'said' }\nexport default () => C.A;\n"],
        ["function.ts": "const enum C { A = 'said' }\nexport default () => C.A;\n"],
        [
            "function.ts":
                "class X { constructor(private readonly v: string) {} get() { return this.v; } }\nexport default () => new X('said').get();\n"
        ],
        ["function.ts": "namespace N { export const text = 'said'; }\nexport default () => N.text;\n"],
        [
            "function.ts":
                "abstract class A { abstract t: string; declare u: string }\nclass B extends A { override t = 'said' }\nexport default () => new B().t satisfies string;\n"
        ],
        [
            "function.ts":
                "const pick = <const T extends readonly string[]>(t: T): T[0] => t[0];\nexport default () => pick(['said']);\n"
        ],
        ["function.ts": "export default { fetch: (r: Request): Response => new Response('said') };\n"],
        ["function.mts": "const text = await Promise.resolve('said');\nexport default () => text;\n"],
        ["function.cts": "import fs = require('fs');\nexport = () => fs.existsSync(__filename) ? 'said' : 'gone';\n"],
        ["function.ts": "const path = require('path');\nmodule.exports = () => path.join('sa' + 'id');\n"],
        [
            "function.ts":
                "import data from './d.json' with { type: 'json' };\nenum C { A = 'id' }\nexport default () => data.text + C.A;\n",
            "d.json": #"{"text": "sa"}"#,
        ],
        [
            "function.ts":
                "import data from './d.json' assert { type: 'json' };\nexport default () => data.text;\n",
            "d.json": #"{"text": "said"}"#,
        ],
    ])
    func compiles(files: [String: String]) throws { #expect(try Self.answer(files) == "said") }

    @Test(arguments: [
        // Types without the word.
        [
            "function.ts": "import { T, v } from './t.ts';\nconst x: T = v;\nexport default () => x;\n",
            "t.ts": "export interface Q { a: T }\nexport type T = string;\nexport const v: T = 'said';\n",
        ],
        [
            "function.ts": "import { v } from './i';\nexport default () => v;\n",
            "i.ts": "export { T, v } from './t';\n", "t.ts": "export type T = string;\nexport const v: T = 'said';\n",
        ],
        [
            "function.ts": "import { v } from './i';\nexport default () => v;\n",
            "i.ts": "import { T, v } from './t';\nexport { T, v };\n",
            "t.ts": "export interface T {}\nexport const v = 'said';\n",
        ],
        [
            "function.ts": "import { v } from './i';\nexport default () => v;\n",
            "i.ts": "export * from './t';\nexport { v } from './v';\n", "t.ts": "export interface T {}\n",
            "v.ts": "export const v = 'said';\n",
        ],
        // Names without ends, with those of compiled files, of folders.
        [
            "function.ts": "import { v } from './lib/v';\nexport default () => v;\n",
            "lib/v.ts": "export const v = 'said';\n",
        ],
        [
            "function.ts": "import { v } from './lib/v.js';\nexport default () => v;\n",
            "lib/v.ts": "export const v = 'said';\n",
        ],
        [
            "function.ts": "import { v } from './lib/v.mjs';\nexport default () => v;\n",
            "lib/v.mts": "export const v = 'said';\n",
        ],
        [
            "function.ts": "import { v } from './lib';\nexport default () => v;\n",
            "lib/index.ts": "export const v = 'said';\n",
        ],
        ["function.ts": "import { v } from './old';\nexport default () => v;\n", "old.js": "exports.v = 'said';\n"],
        ["function.ts": "import v from './old.cjs';\nexport default () => v.v;\n", "old.cjs": "exports.v = 'said';\n"],
        [
            "function.ts": "export default async () => (await import('./lib/' + 'v')).v;\n",
            "lib/v.ts": "export const v = 'said';\n",
        ],
        // Threads and processes.
        [
            "function.ts": """
            import { Worker } from 'node:worker_threads';
            import { once } from 'node:events';
            export default async () => (await once(new Worker(new URL('./w.ts', import.meta.url)), 'message'))[0];
            """,
            "w.ts":
                "import { parentPort } from 'worker_threads';\nimport { V } from './v';\nparentPort!.postMessage(V.v);\n",
            "v.ts": "export enum V { v = 'said' }\n",
        ],
        [
            "function.ts": """
            import { fork } from 'node:child_process';
            import { once } from 'node:events';
            export default async () => (await once(fork(__dirname + '/w.ts'), 'message'))[0];
            """,
            "w.ts": "import { V } from './v';\nprocess.send!(V.v);\nprocess.disconnect();\n",
            "v.ts": "export enum V { v = 'said' }\n",
        ],
        // What uses the variables of CommonJS beside imports.
        [
            "function.ts": "import { v } from './lib/v';\nexport default v;\n",
            "lib/v.ts":
                "import { readFileSync } from 'fs';\nexport const v = () => readFileSync(__dirname + '/t.txt', 'utf8');\n",
            "lib/t.txt": "said",
        ],
        [
            "function.ts":
                "import { readFileSync } from 'fs';\nexport default () => readFileSync(new URL('./t.txt', import.meta.url), 'utf8');\n",
            "t.txt": "said",
        ],
        ["function.ts": "const { v } = require('./v');\nmodule.exports = () => v;\n", "v.ts": "exports.v = 'said';\n"],
        // JSON.
        [
            "function.ts": "import data from './d.json';\nexport default () => data.text;\n",
            "d.json": #"{"text": "said"}"#,
        ],
        [
            "function.ts": "import { text } from './d.json';\nexport default () => text;\n",
            "d.json": #"{"text": "said", "a-b": 1}"#,
        ],
        [
            "function.ts": "import data from './d.json' with { type: 'json' };\nexport default () => data.text;\n",
            "d.json": #"{"text": "said"}"#,
        ],
        // The names of tsconfig.json.
        [
            "function.ts": "import { v } from '@/v';\nimport { w } from 'lib';\nexport default () => v + w;\n",
            "src/v.ts": "export const v = 'sa';\n",
            "src/lib/index.ts": "export const w = 'id';\n",
            "tsconfig.json":
                "{ // with comments\n  \"compilerOptions\": { \"baseUrl\": \".\", \"paths\": { \"@/*\": [\"src/*\"], \"lib\": [\"src/lib\"], }, },\n}\n",
        ],
        [
            "function.ts": "import { v } from 'util/v';\nexport default () => v;\n",
            "src/util/v.ts": "export const v = 'said';\n",
            "config/base.json": #"{"compilerOptions": {"baseUrl": "../src"}}"#,
            "tsconfig.json": #"{"extends": "./config/base"}"#,
        ],
        [
            "function.ts": "import { v } from '#lib/v';\nexport default () => v;\n",
            "src/v.ts": "export const v = 'said';\n",
            "node_modules/@tsconfig/it/tsconfig.json": #"{"compilerOptions": {"strict": true}}"#,
            "own.json": ##"{"compilerOptions": {"paths": {"#lib/*": ["./src/*"]}}}"##,
            "tsconfig.json": #"{"extends": ["@tsconfig/it", "./own.json"]}"#,
        ],
        // A package of a workspace is source, too.
        [
            "function.ts": "import { v } from '@me/lib';\nexport default () => v;\n",
            "node_modules/@me/lib/package.json": #"{"exports": "./src/index.ts"}"#,
            "node_modules/@me/lib/src/index.ts":
                "import { end } from './end';\nenum V { v = 'sa' }\nexport const v = V.v + end;\n",
            "node_modules/@me/lib/src/end.ts": "export const end = 'id';\n",
        ],
        // Packages are used as they are.
        [
            "function.ts":
                "import given, { text } from 'given';\nexport default () => given.text === text ? text : 'two';\n",
            "node_modules/given/package.json": #"{"main": "m.js"}"#,
            "node_modules/given/m.js": "exports.text = 'said';\n",
        ],
    ])
    func findsWhatFilesImport(files: [String: String]) throws { #expect(try Self.answer(files) == "said") }

    private static let experimental = #"{"compilerOptions": {"experimentalDecorators": true, "target": "ES2022"}}"#

    @Test(arguments: [
        [
            "function.ts": """
            const mark = (target: any, key: string, it: PropertyDescriptor) => { const f = it.value; it.value = () => 'sa' + f(); };
            const noted = (target: any) => { target.note = 'd'; };
            @noted class X { static note: string; @mark say() { return 'i'; } }
            export default () => new X().say() + X.note;
            """, "tsconfig.json": experimental,
        ],
        [
            "function.ts": """
            function mark(f: Function, context: ClassMethodDecoratorContext) { return function () { return context.kind === 'method' ? 'sa' + f.call(this) : 'no'; } as any; }
            function noted(target: any, { name }: ClassDecoratorContext) { target.note = name === 'X' ? 'd' : 'no'; }
            function twice(_: undefined, context: ClassFieldDecoratorContext) { return (value: string) => context.name === 'i' ? value + value : 'no'; }
            @noted class X { static note: string; @twice i = ''; @mark say() { return 'i' + this.i; } }
            export default () => new X().say() + X.note;
            """
        ],
        // Its three parameters tell that one is of the other kind.
        [
            "function.ts": """
            function mark(target: any, key: string, it: PropertyDescriptor) { const f = it.value; it.value = () => 'said' + f(); }
            class X { @mark say() { return ''; } }
            export default () => new X().say();
            """
        ],
    ])
    func appliesDecorators(files: [String: String]) throws { #expect(try Self.answer(files) == "said") }

    private static let element = """
        exports.jsx = (type, { children }) => `<${type}>${children}</${type}>`;
        """

    private static let exports = #"{"exports": {"./jsx-runtime": "./jsx-runtime.js"}}"#

    @Test func elementsAreMadeAsItsSettingsSay() throws {
        let page = "export default () => <p>said</p>;\n"
        let own = ["node_modules/tiny/package.json": Self.exports, "node_modules/tiny/jsx-runtime.js": Self.element]
        let settings = ["tsconfig.json": #"{"compilerOptions": {"jsx": "react-jsx", "jsxImportSource": "tiny"}}"#]
        #expect(try Self.answer(["function.tsx": page].merging(own) { $1 }.merging(settings) { $1 }) == "<p>said</p>")
        let react = [
            "node_modules/react/package.json": Self.exports, "node_modules/react/jsx-runtime.js": Self.element,
        ]
        #expect(try Self.answer(["function.tsx": page].merging(react) { $1 }) == "<p>said</p>")
        let factory = [
            "function.tsx": "const h = (type: string, _: unknown, text: string) => `${type} ${text}`;\n" + page,
            "tsconfig.json": #"{"compilerOptions": {"jsx": "react", "jsxFactory": "h"}}"#,
        ]
        #expect(try Self.answer(factory) == "p said")
        let without = try failure(of: .nodejs, files: ["function.tsx": page])
        #expect(without.reason.contains("'react'") && without.reason.contains("npm install react"))
        let old = try failure(
            of: .nodejs, files: ["function.tsx": page, "tsconfig.json": #"{"compilerOptions": {"jsx": "react"}}"#])
        #expect(old.reason.contains("import React"))
    }

    @Test func errorsNameFileAndLineOfTheSource() throws {
        let files = [
            "function.ts":
                "interface Q {\n  a: string;\n}\nenum C { A }\nimport { fail } from './lib/fail';\nexport default () => fail(C.A);\n",
            "lib/fail.ts":
                "type T = number;\n\nexport function fail(n: T): string {\n  throw new Error('at the fourth line');\n}\n",
        ]
        let instance = try TestBundle(.nodejs, files: files).start()
        #expect(try instance.request("GET", "/hello-world").status == 500)
        let output = try instance.stop().output
        #expect(output.contains("lib/fail.ts:4:9") && output.contains("function.ts:6:"), "\(output)")
    }

    @Test func whatDoesNotCompileIsRefusedAndWhatNobodyImportsIsNot() throws {
        let failed = try failure(
            of: .nodejs,
            files: [
                "function.ts": "import './lib/a';\nexport default () => 'x';\n",
                "lib/a.ts": "export const a = 1;\nconst b = ;\n",
            ])
        #expect(failed.reason == "lib/a.ts does not compile")
        #expect(failed.log.contains("lib/a.ts:2:10") && failed.log.contains("Unexpected \";\""))
        let beside = ["function.ts": "export default () => 'said';\n", "lib/a.ts": "const b = ;\n"]
        #expect(try Self.answer(beside) == "said")
        let base = try failure(
            of: .nodejs,
            files: ["function.ts": "export default () => 'x';\n", "tsconfig.json": #"{"extends": "./gone"}"#])
        #expect(base.reason == "tsconfig.json extends './gone', which is not in the archive")
    }

    @Test func theSettingsNearestToTheFunctionHold() throws {
        let files = [
            "packages/api/src/main.ts": "import { v } from '@/v';\nexport const run = () => v;\n",
            "packages/api/src/v.ts": "export const v = 'said';\n", "tsconfig.json": "{}",
            "packages/api/tsconfig.json": #"{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}"#,
        ]
        let bundle = try TestBundle(.nodejs, config: ["entry": "packages/api/src/main.ts:run"], files: files)
        #expect(try bundle.start().request("GET", "/hello-world").text == "said")
    }

    @Test func withoutACompilerWhatNodeStripsRunsAndTheRestSaysWhy() throws {
        let plain = [
            "function.ts": "import { type T, v } from './t';\nexport default (r: Request): T => v;\n",
            "t.ts": "export type T = string;\nexport const v: T = 'said';\n",
        ]
        #expect(try Self.answer(plain, compiles: false) == "said")
        let enumeration = try failure(
            of: .nodejs, files: ["function.ts": "const a = 1;\nenum C { A }\nexport default () => 'x';\n"],
            compiles: false)
        #expect(enumeration.reason.contains("no esbuild") && enumeration.reason.contains("apt-get install esbuild"))
        #expect(enumeration.log.contains("function.ts:2"), "\(enumeration.log)")
        let type = try failure(
            of: .nodejs,
            files: plain.merging(["function.ts": "import { T, v } from './t';\nexport default (): T => v;\n"]) { $1 },
            compiles: false)
        #expect(type.reason.contains("the type 'T'") && type.reason.contains("esbuild"))
        let page = try failure(
            of: .nodejs, files: ["function.tsx": "export default () => <p>x</p>;\n"], compiles: false)
        #expect(page.reason.contains("no esbuild"))
    }
}
