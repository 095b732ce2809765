import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.opensearch.Version;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.PluginInfo;

/** Runs one OpenSearch node in this process, its modules on the class path: Start HOME CONFIG. */
public class Start extends Node {
    private static final String PAINLESS = "org.opensearch.painless.PainlessModulePlugin";

    private Start(Environment env) {
        super(env, List.of(
            module(PAINLESS),
            module("org.opensearch.transport.Netty4ModulePlugin"),
            module("org.opensearch.analysis.common.CommonAnalysisModulePlugin", PAINLESS),
            module("org.opensearch.ingest.common.IngestCommonModulePlugin", PAINLESS),
            module("org.opensearch.geo.GeoModulePlugin"),
            module("org.opensearch.index.mapper.MapperExtrasModulePlugin"),
            module("org.opensearch.index.reindex.ReindexModulePlugin"),
            module("org.opensearch.join.ParentJoinModulePlugin"),
            module("org.opensearch.script.expression.ExpressionModulePlugin"),
            module("org.opensearch.script.mustache.MustacheModulePlugin"),
            module("org.opensearch.search.aggregations.matrix.MatrixAggregationModulePlugin")), true);
    }

    private static PluginInfo module(String name, String... extended) {
        return new PluginInfo(name, "a module", "none", Version.CURRENT, "21", name, null, List.of(extended), false);
    }

    public static void main(String[] args) throws Exception {
        Environment env = InternalSettingsPreparer.prepareEnvironment(
            Settings.EMPTY, Map.of("path.home", args[0]), Path.of(args[1]), () -> "huntbook-test");
        LogConfigurator.setNodeName(Node.NODE_NAME_SETTING.get(env.settings()));
        LogConfigurator.configure(env);
        Node node = new Start(env);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception e) {
                e.printStackTrace();
            }
        }));
        node.start();
        Thread.currentThread().join();
    }
}
