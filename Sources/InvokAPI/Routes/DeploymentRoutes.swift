import HTTPTypes
import Hummingbird
import Invok

/// Deploying, versions, and going back.
enum DeploymentRoutes {
    static func routes(_ system: InvokSystem, maximumUploadBytes: Int) -> [Route] {
        let deployments = system.deployments
        let functions = system.functions
        let uploads = system.uploads
        return [
            Route(
                method: .post, path: "/invok/deploy", summary: "Deploy a function",
                query: [
                    FunctionRoutes.namespaceParameter,
                    QueryParameter(
                        name: "access", summary: "Sets who may invoke it, whatever config.json says",
                        schema: .string(oneOf: Access.allCases.map(\.rawValue))),
                ],
                request: BodyDescription(mediaType: "multipart/form-data", schema: .reference("Upload")),
                success: AnswerDescription(
                    status: .ok, summary: "It is active",
                    body: BodyDescription(mediaType: "application/json", schema: .reference("Deployed")),
                    events:
                        "With Accept: text/event-stream: each line of the build as an event log, then deployed or problem"
                ),
                problems: [
                    .invalidRequest, .invalidArchive, .invalidConfig, .unknownRuntime, .forbidden, .notFound, .conflict,
                    .deployInProgress, .tooManyRequests, .noCapacity, .payloadTooLarge, .unsupportedMediaType,
                    .buildFailed, .startFailed, .storageFull,
                ],
                handler: .authenticated { request, context, principal in
                    let given = try request.namespaceQuery()
                    let access = try request.query("access", expected: "'private' or 'public'") { Access(rawValue: $0) }
                    let namespace = try await deployments.authorize(given, as: principal)
                    if DeployStream.isWanted(request) {
                        let upload = try await uploads.open(for: namespace)
                        let fileName = try await UploadForm.read(
                            from: request, into: upload, maximumBytes: maximumUploadBytes)
                        return DeployStream.response(
                            clock: system.world.clock,
                            onFailure: { ProblemMiddleware.problem($0, at: request.uri.path, context) }
                        ) { onLine in
                            defer { upload.close() }
                            return try await deployments.deploy(
                                archive: upload.archive, fileName: fileName, namespace: namespace, access: access,
                                as: principal, onLine: onLine)
                        }
                    }
                    return try await uploads.receive(for: namespace) { upload in
                        let fileName = try await UploadForm.read(
                            from: request, into: upload, maximumBytes: maximumUploadBytes)
                        let deployment = try await deployments.deploy(
                            archive: upload.archive, fileName: fileName, namespace: namespace, access: access,
                            as: principal)
                        return try .json(DeployResponse(deployment))
                    }
                }),
            Route(
                method: .get, path: "/api/v1/functions/{namespace}/{name}/versions",
                summary: "List a function's versions",
                success: .json(.array(.reference("Version")), "The versions, the newest first"), problems: [.notFound],
                handler: .authenticated { _, context, principal in
                    let versions = try await functions.versions(of: context.functionKey(), as: principal)
                    return try .json(versions.map { VersionMessage($0.version, isActive: $0.isActive) })
                }),
            Route(
                method: .post, path: "/api/v1/functions/{namespace}/{name}/rollback",
                summary: "Make an older version the active one",
                request: BodyDescription(
                    mediaType: "application/json", schema: .reference("Rollback"), isRequired: false),
                success: .json(.reference("Deployed"), "What is active now"),
                problems: [.invalidRequest, .forbidden, .notFound, .conflict, .noCapacity, .startFailed],
                handler: .authenticated { request, context, principal in
                    let key = try context.functionKey()
                    let body = try await JSONBody.decode(
                        RollbackRequest.self, from: request, whenEmpty: RollbackRequest())
                    return try .json(DeployResponse(try await deployments.rollback(key, to: body.to, as: principal)))
                }),
        ]
    }
}
